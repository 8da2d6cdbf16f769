/** The address at which this machine reaches what listens on another. */
export function reachable(hostname: string): string {
  return ["0.0.0.0", "::"].includes(hostname) ? "127.0.0.1" : hostname;
}
