//! Names that mark credentials: header fields, query parameters, schemes.

/// What becomes of a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// All of it is one secret.
    Value,
    /// A scheme, then a secret.
    Credentials,
    /// `name=secret` pairs.
    Cookies,
    /// `name=secret`, then attributes.
    SetCookie,
    /// A URL whose query and user information may hold secrets.
    Url,
}

const FIELDS: [(&str, Rule); 38] = [
    ("authorization", Rule::Credentials),
    ("proxy-authorization", Rule::Credentials),
    ("x-authorization", Rule::Credentials),
    ("x-forwarded-authorization", Rule::Credentials),
    ("x-original-authorization", Rule::Credentials),
    ("cookie", Rule::Cookies),
    ("cookie2", Rule::Cookies),
    ("set-cookie", Rule::SetCookie),
    ("set-cookie2", Rule::SetCookie),
    ("authentication-info", Rule::Value),
    ("proxy-authentication-info", Rule::Value),
    ("api-key", Rule::Value),
    ("apikey", Rule::Value),
    ("x-api-key", Rule::Value),
    ("x-apikey", Rule::Value),
    ("x-api-token", Rule::Value),
    ("x-auth-token", Rule::Value),
    ("x-auth-key", Rule::Value),
    ("x-auth", Rule::Value),
    ("x-access-token", Rule::Value),
    ("x-refresh-token", Rule::Value),
    ("x-id-token", Rule::Value),
    ("x-session-token", Rule::Value),
    ("x-session-id", Rule::Value),
    ("x-amz-security-token", Rule::Value),
    ("x-csrf-token", Rule::Value),
    ("x-csrftoken", Rule::Value),
    ("x-xsrf-token", Rule::Value),
    ("x-gitlab-token", Rule::Value),
    ("private-token", Rule::Value),
    ("x-vault-token", Rule::Value),
    ("x-goog-api-key", Rule::Value),
    ("x-goog-iap-jwt-assertion", Rule::Value),
    ("x-amzn-oidc-data", Rule::Value),
    ("x-hub-signature-256", Rule::Value),
    ("ocp-apim-subscription-key", Rule::Value),
    ("x-functions-key", Rule::Value),
    ("dpop", Rule::Value),
];

const URLS: [&str; 6] =
    ["referer", "location", "content-location", "refresh", "x-original-url", "x-forwarded-uri"];

/// Query parameters that are credentials by their name, lower case, `-` and `_` left out.
const PARAMETERS: [&str; 40] = [
    "accesstoken",
    "apikey",
    "apitoken",
    "appsecret",
    "auth",
    "authkey",
    "authorization",
    "authtoken",
    "awsaccesskeyid",
    "bearer",
    "clientassertion",
    "clientsecret",
    "credential",
    "credentials",
    "idtoken",
    "jwt",
    "key",
    "oauthtoken",
    "otp",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "refreshtoken",
    "samlresponse",
    "secret",
    "secretkey",
    "session",
    "sessionid",
    "sessiontoken",
    "sid",
    "sig",
    "signature",
    "subscriptionkey",
    "token",
    "xamzcredential",
    "xamzsecuritytoken",
    "xamzsignature",
    "xgoogcredential",
    "xgoogsignature",
];

const SCHEMES: [&str; 13] = [
    "basic",
    "bearer",
    "digest",
    "negotiate",
    "ntlm",
    "token",
    "apikey",
    "hmac",
    "oauth",
    "dpop",
    "mutual",
    "aws4-hmac-sha256",
    "hawk",
];

const ATTRIBUTES: [&str; 10] = [
    "expires",
    "max-age",
    "domain",
    "path",
    "secure",
    "httponly",
    "samesite",
    "partitioned",
    "priority",
    "version",
];

/// The rule for a field of this name.
pub(super) fn rule(name: &[u8]) -> Option<Rule> {
    let named = FIELDS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
    let url = || URLS.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
    named.map(|(_, rule)| *rule).or_else(|| url().then_some(Rule::Url))
}

/// The names of fields whose values become tokens, sorted.
pub(super) fn all() -> Vec<String> {
    let mut names: Vec<String> = FIELDS.iter().map(|(name, _)| (*name).to_owned()).collect();
    names.sort();
    names
}

/// Whether a query parameter of this name, percent-decoded, is a credential.
pub(super) fn is_secret_parameter(name: &[u8]) -> bool {
    let folded: Vec<u8> = name
        .iter()
        .filter(|b| !matches!(b, b'-' | b'_' | b'.' | b'[' | b']'))
        .map(u8::to_ascii_lowercase)
        .collect();
    PARAMETERS.iter().any(|known| folded == known.as_bytes())
}

/// Where the name of a secret field and its colon stand in a text that is not taken apart into lines.
pub(super) fn in_text(text: &[u8]) -> Option<usize> {
    (0..text.len()).find(|start| {
        FIELDS.iter().any(|(name, _)| {
            let end = start + name.len();
            let named = text.get(*start..end).is_some_and(|part| part.eq_ignore_ascii_case(name.as_bytes()));
            named && text[end..].trim_ascii_start().starts_with(b":")
        })
    })
}

pub(super) fn is_scheme(word: &[u8]) -> bool {
    SCHEMES.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

pub(super) fn is_cookie_attribute(name: &[u8]) -> bool {
    ATTRIBUTES.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether this can be the name of a cookie (RFC 9110, section 5.6.2) and not half of a secret.
pub(super) fn is_token(name: &[u8]) -> bool {
    let tchar = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    (1..=64).contains(&name.len()) && name.iter().all(tchar)
}
