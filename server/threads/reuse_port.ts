/**
 * Whether several threads can listen on one port (`SO_REUSEPORT`), with the
 * kernel spreading connections over them: on Linux, and with --unstable-net.
 */
export function canReusePort(): boolean {
  // Without the flag to ask for it would end the process; this is there with it.
  if (Deno.build.os !== "linux" || !("listenDatagram" in Deno)) return false;
  const listeners: Deno.Listener[] = [];
  try {
    const listen = (port: number) => {
      const options = { hostname: "127.0.0.1", port, reusePort: true };
      const listener = Deno.listen(options);
      listeners.push(listener);
      return listener.addr.port;
    };
    listen(listen(0));
    return true;
  } catch {
    return false;
  } finally {
    for (const listener of listeners) listener.close();
  }
}
