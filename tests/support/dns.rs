//! A small DNS server over UDP: it answers A and SRV questions with what it was given.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// A record that is answered, whatever name is asked for.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    A(Ipv4Addr),
    /// Priority, weight, port, target.
    Srv(u16, u16, u16, &'static str),
}

#[derive(Debug, Default)]
struct Zone {
    records: Vec<Record>,
    ttl: u32,
    /// NXDOMAIN in place of records.
    unknown: bool,
    asked: usize,
}

/// See the module. Ends with its value.
pub(crate) struct Dns {
    pub(crate) address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    serving: JoinHandle<()>,
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Dns {
    pub(crate) async fn new(ttl: u32, records: Vec<Record>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let zone = Arc::new(Mutex::new(Zone {
            records,
            ttl,
            ..Zone::default()
        }));
        let shared = Arc::clone(&zone);
        let serving = tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
                let answer = answer(&buffer[..length], &mut shared.lock().unwrap());
                let _ = socket.send_to(&answer, peer).await;
            }
        });
        Self {
            address,
            zone,
            serving,
        }
    }

    pub(crate) fn set(&self, records: Vec<Record>) {
        self.zone.lock().unwrap().records = records;
    }

    pub(crate) fn forget(&self) {
        self.zone.lock().unwrap().unknown = true;
    }

    pub(crate) fn asked(&self) -> usize {
        self.zone.lock().unwrap().asked
    }
}

fn answer(question: &[u8], zone: &mut Zone) -> Vec<u8> {
    zone.asked += 1;
    // The name, then its end, type and class.
    let end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let kind = u16::from_be_bytes([question[end - 4], question[end - 3]]);
    let fits = |record: &&Record| match record {
        Record::A(_) => kind == 1,
        Record::Srv(..) => kind == 33,
    };
    let records: Vec<_> = match zone.unknown {
        true => Vec::new(),
        false => zone.records.iter().filter(fits).collect(),
    };
    let mut out = question[..2].to_vec();
    out.extend([0x84, if zone.unknown { 3 } else { 0 }, 0, 1]);
    out.extend((records.len() as u16).to_be_bytes());
    out.extend([0, 0, 0, 0]);
    out.extend(&question[12..end]);
    for record in records {
        let data = match record {
            Record::A(address) => address.octets().to_vec(),
            Record::Srv(priority, weight, port, target) => {
                let numbers = [*priority, *weight, *port];
                let mut data: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
                for label in target.split('.') {
                    data.push(label.len() as u8);
                    data.extend(label.as_bytes());
                }
                data.push(0);
                data
            }
        };
        // The name of the question, type, class, time to live.
        out.extend([0xc0, 12]);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1]);
        out.extend(zone.ttl.to_be_bytes());
        out.extend((data.len() as u16).to_be_bytes());
        out.extend(data);
    }
    out
}
