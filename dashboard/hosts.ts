/** Whether a host name, as a URL spells it, is this machine's loopback. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, "");
  return name === "localhost" || name.endsWith(".localhost") ||
    name === "[::1]" || name === "::1" ||
    /^(::ffff:)?127(\.\d{1,3}){3}$/.test(name);
}

/** Whether an address to listen on stands for all addresses. */
export function isWildcard(hostname: string): boolean {
  return hostname === "0.0.0.0" || hostname === "::" || hostname === "[::]";
}

/** Whether a host name, as a URL spells it, is an IP address. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith("[") || /^\d+(\.\d+){3}$/.test(hostname);
}

/**
 * Makes the check against DNS rebinding: a page of somebody else, whose name
 * suddenly means this machine, sends that name as `Host`.
 *
 * `allowed` are host names, with a port or for any port. With `addresses`, any
 * IP address is allowed too: no name service is asked for those, so they
 * cannot be rebound.
 */
export function hostCheck(
  allowed: readonly string[],
  addresses: boolean,
): (host: string) => boolean {
  const known = new Set(allowed.map((host) => host.toLowerCase()));
  return (host) => {
    const url = URL.parse(`http://${host}`);
    // Anything but a bare host and port is not what a browser sends.
    if (!url || url.href !== `http://${url.host}/`) return false;
    return isLoopback(url.hostname) || known.has(url.host) ||
      known.has(url.hostname) || (addresses && isAddress(url.hostname));
  };
}
