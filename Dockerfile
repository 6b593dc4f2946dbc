# The proxy alone, as a plain user.
#
#   docker build -t figshift .
#   docker run -p 8080:8080 -v figshift-state:/var/lib/figshift \
#     -v "$PWD/figshift.toml:/etc/figshift/figshift.toml:ro" figshift
#
# In the file, `listen.http` must be 0.0.0.0:8080 to be reached from outside. The health check asks
# `listen.admin` at its default, 127.0.0.1:9901; with another port, give the container its own check.
# Commands run inside: docker exec NAME figshift rollback --config /etc/figshift/figshift.toml
# From outside, `listen.admin` needs 0.0.0.0 and `admin.token`.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --locked --release --bin figshift \
    && cp target/release/figshift /usr/local/bin/figshift

# Not a static binary on an empty image: names of backends are resolved by the C library, which
# does not do that when it is linked in.
FROM debian:bookworm-slim
RUN groupadd --gid 10001 figshift \
    && useradd --uid 10001 --gid 10001 --shell /usr/sbin/nologin \
        --home-dir /var/lib/figshift --no-create-home figshift \
    && install -d -o 10001 -g 10001 /var/lib/figshift \
    && install -d /etc/figshift
COPY --from=build /usr/local/bin/figshift /usr/local/bin/figshift
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/figshift/

# By number, so that Kubernetes can tell that it is not root.
USER 10001:10001
# `state_dir` is in here unless the file names another place.
WORKDIR /var/lib/figshift
VOLUME /var/lib/figshift
EXPOSE 8080 9901
# Running requests get `listen.drain` (30 s) to finish; docker stop waits for 10 s only, unless told.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["figshift", "health"]
ENTRYPOINT ["figshift"]
CMD ["serve", "--config", "/etc/figshift/figshift.toml"]
