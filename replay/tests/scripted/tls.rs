//! TLS backends: whom to trust, by which name, at which address.

use crate::support::{Server, Story, evenly};
use corpus::run::Role;
use replay::{Certificates, Roots, Target};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

/// A server for `shop.internal` with a certificate of its own making; its address and the certificate in PEM.
fn start() -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(vec!["shop.internal".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(serve(listener, TlsAcceptor::from(Arc::new(config))));
    });
    (address, made.cert.pem())
}

async fn serve(listener: std::net::TcpListener, acceptor: TlsAcceptor) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        connections.spawn(async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut bytes = [0; 4096];
            while let Ok(1..) = stream.read(&mut bytes).await {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                if stream.write_all(answer).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Whom the candidate's certificate is trusted by.
enum Trusted {
    ByFile,
    BySystem,
    Anyhow,
}

fn check(trusted: Trusted, host: &str, expected: &str) {
    let (address, pem) = start();
    let baseline = Server::ok();
    let mut story = Story::new(&evenly(12, 3, 2), &baseline, &baseline);
    let file = story.folder.path().join("ca.pem");
    std::fs::write(&file, pem).unwrap();
    story.config.candidate = Target::new(format!("https://{host}:{}", address.port()));
    story.config.resolve = vec![format!("{host}:{}:127.0.0.1", address.port())];
    match trusted {
        Trusted::ByFile => story.config.roots = Roots::File(file),
        Trusted::BySystem => {}
        Trusted::Anyhow => story.config.certificates = Certificates::Unchecked,
    }
    let told = story.run();
    assert_eq!(told.of(Role::Candidate), expected);
    assert_eq!(told.summary.header.backends[1].insecure, matches!(trusted, Trusted::Anyhow));
}

#[test]
fn certificates_are_checked_against_roots_and_name() {
    check(Trusted::ByFile, "shop.internal", "12 of 12");
    check(Trusted::BySystem, "shop.internal", "0 of 12 12 tls_failed");
    check(Trusted::ByFile, "other.internal", "0 of 12 12 tls_failed");
    check(Trusted::Anyhow, "other.internal", "12 of 12");
}
