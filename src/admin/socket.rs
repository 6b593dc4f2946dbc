//! The admin port as a file: a Unix socket that nobody but its owner may open, so that whoever can is
//! the operator.

use std::fs::{self, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 128;
const OWNER_ONLY: u32 = 0o600;

/// The file of a socket. It is removed with this, unless somebody has put another one in its place;
/// that can be told as long as the listener is open, which keeps the file's number from being used again.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    /// The file at a path, which is the caller's from now on.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn of(path: &Path) -> io::Result<Self> {
        let data = fs::symlink_metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            device: data.dev(),
            inode: data.ino(),
        })
    }

    /// Leaves the file to whoever else listens there.
    pub fn leave(self) {
        std::mem::forget(self);
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn is(&self, data: &Metadata) -> bool {
        (data.dev(), data.ino()) == (self.device, self.inode)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|data| self.is(&data));
        if ours && let Err(error) = fs::remove_file(&self.path) {
            let path = self.path.display();
            tracing::warn!(%error, %path, "The admin socket cannot be removed");
        }
    }
}

/// Listens at a path. A socket that nobody answers at is what a killed process has left, and is replaced.
///
/// # Errors
///
/// Somebody answers there, something else is there, or the folder is missing or closed to us.
pub fn listen_at(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    make_room(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?).map_err(explain)?;
    let file = SocketFile::of(path)?;
    // Before anybody can connect.
    fs::set_permissions(path, Permissions::from_mode(OWNER_ONLY))?;
    socket.listen(BACKLOG)?;
    Ok((socket.into(), file))
}

/// Whether somebody answers at a path, and we may ask.
///
/// # Errors
///
/// Why not: [`ErrorKind::ConnectionRefused`] when the socket is there and nobody is behind it.
pub fn answers_at(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&SockAddr::unix(path)?) {
        // There are more who wait to be accepted than there may.
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        connected => connected,
    }
}

fn make_room(path: &Path) -> io::Result<()> {
    let data = match fs::symlink_metadata(path) {
        Ok(data) => data,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !data.file_type().is_socket() {
        let why = "what is there is no socket, and is left alone: name another path";
        return Err(io::Error::new(ErrorKind::AlreadyExists, why));
    }
    match answers_at(path) {
        Ok(()) => {
            let why = "somebody answers there: end that process, or name another path";
            Err(io::Error::new(ErrorKind::AddrInUse, why))
        }
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn explain(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::NotFound => io::Error::new(ErrorKind::NotFound, "there is no such folder"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn only_the_owner_may_open_it_and_it_goes_with_its_listener() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let (listener, file) = listen_at(&path).unwrap();
        let data = fs::symlink_metadata(&path).unwrap();
        assert_eq!(data.permissions().mode() & 0o777, 0o600);
        assert_eq!(data.uid(), rustix::process::getuid().as_raw());
        answers_at(&path).unwrap();
        UnixStream::connect(&path).unwrap();
        drop((listener, file));
        assert!(!path.exists());
        assert_eq!(answers_at(&path).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_dead_one_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let (listener, file) = listen_at(&path).unwrap();
        let refused = listen_at(&path).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AddrInUse);
        assert!(refused.to_string().contains("somebody answers"));
        answers_at(&path).unwrap();
        // As after `kill -9`: nobody listens, and the file is still there.
        drop(listener);
        std::mem::forget(file);
        let dead = answers_at(&path).unwrap_err();
        assert_eq!(dead.kind(), ErrorKind::ConnectionRefused);
        let (_listener, file) = listen_at(&path).unwrap();
        answers_at(&path).unwrap();

        fs::remove_file(&path).unwrap();
        let second = listen_at(&path).unwrap();
        drop(file);
        assert!(path.exists(), "it is another one's by now");
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "precious").unwrap();
        fs::create_dir(at("folder")).unwrap();
        std::os::unix::fs::symlink("elsewhere", at("link")).unwrap();
        for name in ["file", "folder", "link"] {
            let refused = listen_at(&at(name)).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::AlreadyExists, "{name}");
            assert!(fs::symlink_metadata(at(name)).is_ok(), "{name}");
        }
        assert_eq!(fs::read_to_string(at("file")).unwrap(), "precious");
        let refused = listen_at(&at("nowhere/admin.sock")).unwrap_err();
        assert_eq!(refused.to_string(), "there is no such folder");
        assert!(listen_at(&at(&"x".repeat(200))).is_err());
    }
}
