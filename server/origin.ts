/**
 * Who counts as one peer where addresses are counted. An IPv6 address stands
 * for its /64, which is what a single host or home has to choose from; one that
 * is good on its machine or link alone, where a whole LAN has the same, for
 * itself. An IPv4 address that came in through IPv6 (RFC 4291, 2.5.5.2) is an IPv4 address.
 */
export function originOf(hostname: string): string {
  if (!hostname.includes(":")) return hostname;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(hostname);
  if (mapped) return mapped[1]!;
  if (/^(fe[89ab]|::)/i.test(hostname)) return hostname;
  return `${network(hostname).join(":")}::/64`;
}

/** The first four groups of an IPv6 address, without leading zeros. */
function network(address: string): string[] {
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = groupsOf(head);
  if (tail !== undefined) {
    const rest = groupsOf(tail);
    while (groups.length + rest.length < 8) groups.push("0");
    groups.push(...rest);
  }
  return groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ""));
}

function groupsOf(text: string): string[] {
  return text === "" ? [] : text.split(":");
}
