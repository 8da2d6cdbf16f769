import { CypherStatus } from "../protocol/errors.ts";
import type { JsonValue } from "../protocol/json.ts";
import type { Handler } from "./handler.ts";

const KEPT = 10;

/** What threads tell each other, as each keeps the two values for itself. */
type News =
  | { readonly kind: "sequence"; readonly value: JsonValue }
  | { readonly kind: "number"; readonly value: JsonValue }
  /** A thread that has just begun asks for both. */
  | { readonly kind: "ask" }
  | { readonly kind: "all"; readonly sequence: JsonValue[]; number: JsonValue };

/**
 * What `deno task serve` serves: `/SEQUENCE`, a list whose last ten values are
 * kept, and `/NUMBER`, one value. Both know UPDATE and READ. `others` are the
 * threads that serve them, too.
 */
export function exampleHandler(others?: BroadcastChannel): Handler {
  let sequence: JsonValue[] = [];
  let number: JsonValue = 0;
  const take = (news: News) => {
    switch (news.kind) {
      case "sequence":
        sequence = [...sequence, news.value].slice(-KEPT);
        break;
      case "number":
        number = news.value;
        break;
      case "ask":
        tell({ kind: "all", sequence, number });
        break;
      case "all":
        ({ sequence, number } = news);
    }
  };
  const tell = (news: News) => others?.postMessage(news);
  const update = (news: News) => {
    take(news);
    tell(news);
    return { data: "UPDATED" };
  };
  others?.addEventListener("message", ({ data }) => take(data));
  tell({ kind: "ask" });
  return ({ path, operation, data }) => {
    switch (`${operation} ${path}`) {
      case "UPDATE /SEQUENCE":
        return update({ kind: "sequence", value: data });
      case "READ /SEQUENCE":
        return { data: sequence };
      case "UPDATE /NUMBER":
        return update({ kind: "number", value: data });
      case "READ /NUMBER":
        return { data: number };
    }
    throw new CypherStatus(
      "NOT_FOUND",
      "There are READ and UPDATE on /NUMBER and /SEQUENCE",
    );
  };
}
