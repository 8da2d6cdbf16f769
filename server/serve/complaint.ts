import { complaintOf } from "../../protocol/command_line.ts";

/** What people of `deno task serve` gave for options of the dashboard. */
const GIVEN: Readonly<Record<string, string>> = {
  token: "CYPHER_DASHBOARD_TOKEN",
  readToken: "CYPHER_DASHBOARD_READ_TOKEN",
  allowedHosts: "--http-hosts",
};

/** What `deno task serve` says before it ends: of what people gave it. */
export function serveComplaintOf(error: unknown): unknown {
  const complaint = complaintOf(error);
  if (typeof complaint !== "string") return complaint;
  return complaint.replaceAll(
    // Not what somebody typed there.
    /(?<!got )(?:the option )?"(token|readToken|allowedHosts)"/g,
    (_, option: string) => GIVEN[option]!,
  );
}
