import { outputOf } from "./support.ts";

/**
 * Makes a certificate for `localhost` that has signed itself, in a folder of
 * its own; undefined where there is no `openssl`.
 */
export async function makeCertificate(): Promise<string | undefined> {
  const folder = await Deno.makeTempDir();
  const made = await outputOf(
    "openssl",
    ..."req -x509 -nodes -days 1 -newkey ec".split(" "),
    ..."-pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=localhost".split(" "),
    ..."-addext subjectAltName=DNS:localhost".split(" "),
    // An authority's certificate would not be taken for a server's.
    ..."-addext basicConstraints=critical,CA:FALSE".split(" "),
    "-keyout",
    `${folder}/key.pem`,
    "-out",
    `${folder}/cert.pem`,
  );
  if (made !== undefined) return folder;
  await Deno.remove(folder, { recursive: true });
  return undefined;
}
