/**
 * A hostname as people write it before a port: IPv6 in brackets (RFC 3986,
 * 3.2.2), which it may have already.
 */
export function hostOf(hostname: string): string {
  const bare = hostname.includes(":") && !hostname.startsWith("[");
  return bare ? `[${hostname}]` : hostname;
}

/** An address as people write it. */
export function addressOf(
  { hostname, port }: { readonly hostname: string; readonly port: number },
): string {
  return `${hostOf(hostname)}:${port}`;
}
