/**
 * A hostname that does not resolve, and that no name server is asked for: a
 * label has 63 characters at most (RFC 1035, 2.3.4).
 */
export const NO_NAME = `${"x".repeat(64)}.invalid`;
