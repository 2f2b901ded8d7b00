//! Connecting: TCP with every address checked, TLS where the scheme asks for it.

use crate::config::{Certificates, Roots};
use crate::error::ReplayError;
use crate::guard::{Origin, Scheme, TargetRules, check_address};
use corpus::run::{Fault, NotSent};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A connection to a backend.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
        }
    }

    pub(crate) fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
        }
    }

    /// Hands what TLS has buffered to the kernel; nothing to do without TLS.
    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Plain(_) => Poll::Ready(Ok(())),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }
}

/// Why no connection came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoConnection {
    pub(crate) reason: NotSent,
    pub(crate) fault: Fault,
}

/// A connection on its way.
pub(crate) type Connecting = Pin<Box<dyn Future<Output = Result<Stream, NoConnection>> + Send>>;

/// Makes connections to one backend.
#[derive(Clone)]
pub(crate) struct Connector {
    host: Arc<str>,
    addresses: Arc<[SocketAddr]>,
    rules: Arc<TargetRules>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Connector {
    /// A connector to `origin`, whose addresses have been found and checked.
    pub(crate) fn new(
        origin: &Origin,
        addresses: Vec<SocketAddr>,
        rules: Arc<TargetRules>,
        trust: &Trust,
    ) -> Result<Connector, ReplayError> {
        let tls = match origin.scheme {
            Scheme::Http => None,
            Scheme::Https => {
                let name = ServerName::try_from(origin.host.clone()).map_err(|error| ReplayError::Tls {
                    subject: origin.host.clone(),
                    reason: error.to_string(),
                })?;
                Some((TlsConnector::from(trust.client_config()?), name))
            }
        };
        Ok(Connector { host: origin.host.as_str().into(), addresses: addresses.into(), rules, tls })
    }

    /// Starts to connect.
    pub(crate) fn connect(&self) -> Connecting {
        let connector = self.clone();
        Box::pin(async move {
            let tcp = connector.tcp().await.map_err(|error| classify(&error))?;
            // Requests are small and written at once: waiting to fill a segment would only delay them.
            let _ = tcp.set_nodelay(true);
            match connector.tls {
                None => Ok(Stream::Plain(tcp)),
                Some((tls, name)) => {
                    let stream = tls.connect(name, tcp).await;
                    let failed = NoConnection { reason: NotSent::TlsFailed, fault: Fault::Backend };
                    stream.map(|stream| Stream::Tls(Box::new(stream))).map_err(|error| {
                        tracing::debug!(host = %connector.host, %error, "no TLS");
                        failed
                    })
                }
            }
        })
    }

    /// The first of the addresses that takes a connection.
    async fn tcp(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in self.addresses.iter() {
            let allowed = check_address(&self.host, address.ip(), &self.rules);
            allowed.map_err(|error| io::Error::new(io::ErrorKind::PermissionDenied, error))?;
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// Why a connection failed: out of descriptors or ports is ours, anything else the backend's.
fn classify(error: &io::Error) -> NoConnection {
    let ours = [libc::EMFILE, libc::ENFILE, libc::EADDRNOTAVAIL, libc::ENOBUFS, libc::ENOMEM];
    if error.raw_os_error().is_some_and(|code| ours.contains(&code)) {
        return NoConnection { reason: NotSent::ReplayerLimit, fault: Fault::Replayer };
    }
    let reason = match error.kind() {
        io::ErrorKind::ConnectionRefused => NotSent::ConnectRefused,
        io::ErrorKind::TimedOut => NotSent::ConnectTimeout,
        _ => NotSent::ConnectFailed,
    };
    NoConnection { reason, fault: Fault::Backend }
}

/// Whom to trust.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    pub(crate) roots: Roots,
    pub(crate) certificates: Certificates,
}

impl Trust {
    fn client_config(&self) -> Result<Arc<ClientConfig>, ReplayError> {
        let failed = |error: rustls::Error| ReplayError::Tls {
            subject: "this client".to_owned(),
            reason: error.to_string(),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone());
        let builder = builder.with_safe_default_protocol_versions().map_err(failed)?;
        let mut config = match self.certificates {
            Certificates::Checked => builder.with_root_certificates(self.root_store()?).with_no_client_auth(),
            Certificates::Unchecked => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyCertificate { provider }))
                .with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn root_store(&self) -> Result<RootCertStore, ReplayError> {
        let mut store = RootCertStore::empty();
        match &self.roots {
            Roots::System => {
                let found = rustls_native_certs::load_native_certs();
                store.add_parsable_certificates(found.certs);
            }
            Roots::File(path) => {
                let wrong = |reason: String| ReplayError::Tls { subject: path.display().to_string(), reason };
                let certificates =
                    CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
                for certificate in certificates {
                    let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
                    store.add(certificate).map_err(|error| wrong(error.to_string()))?;
                }
                if store.is_empty() {
                    return Err(wrong("the file holds no certificate".to_owned()));
                }
            }
        }
        Ok(store)
    }
}

/// Takes any certificate, for `--insecure`; signatures of the handshake are still checked.
#[derive(Debug)]
struct AnyCertificate {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
