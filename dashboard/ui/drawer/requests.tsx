import type { RequestRow } from "../../contract.ts";
import { bytes, latency } from "../format/number.ts";
import { iso, moment } from "../format/moment.ts";
import { visible } from "../format/text.ts";
import { Icon } from "../parts/icons.tsx";
import { now } from "../state/clock.ts";

/** Its last requests, newest first: what and how fast, then when and how big. */
export function Requests({ requests }: {
  readonly requests: readonly RequestRow[] | null;
}) {
  return (
    <section aria-labelledby="requests-title">
      <h3 id="requests-title">Last requests</h3>
      {requests === null
        ? <p class="quiet">–</p>
        : requests.length === 0
        ? <p class="quiet">None yet.</p>
        : (
          <ol class="requests">
            {requests.map((request, i) => <One key={i} request={request} />)}
          </ol>
        )}
    </section>
  );
}

function One({ request }: { readonly request: RequestRow }) {
  const { at, operation, path, status, bytesIn, bytesOut } = request;
  const ok = status === "OK";
  return (
    <li>
      <span
        class="request-what"
        title={`${visible(operation)} ${visible(path)}`}
      >
        {visible(operation)} <b>{visible(path)}</b>
      </span>
      <span class="request-latency">{latency(request.latency)}</span>
      <span class="request-facts">
        <time dateTime={iso(at)} title={iso(at)}>{moment(at, now.value)}</time>
        {" · "}
        <span class={ok ? undefined : "request-failed"}>
          {!ok && <Icon name="failure" />}
          {visible(status)}
        </span>
      </span>
      <span class="request-bytes">
        {bytes(bytesIn)} in, {bytes(bytesOut)} out
      </span>
    </li>
  );
}
