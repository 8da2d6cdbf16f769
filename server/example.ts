import { CypherStatus } from "../protocol/errors.ts";
import type { JsonValue } from "../protocol/json.ts";
import type { Handler } from "./handler.ts";

const KEPT = 10;

/**
 * What `deno task serve` serves: `/SEQUENCE`, a list whose last ten values are
 * kept, and `/NUMBER`, one value. Both know UPDATE and READ.
 */
export function exampleHandler(): Handler {
  let sequence: JsonValue[] = [];
  let number: JsonValue = 0;
  return ({ path, operation, data }) => {
    switch (`${operation} ${path}`) {
      case "UPDATE /SEQUENCE":
        sequence = [...sequence, data].slice(-KEPT);
        return { data: "UPDATED" };
      case "READ /SEQUENCE":
        return { data: sequence };
      case "UPDATE /NUMBER":
        number = data;
        return { data: "UPDATED" };
      case "READ /NUMBER":
        return { data: number };
    }
    throw new CypherStatus(
      "NOT_FOUND",
      "There are READ and UPDATE on /NUMBER and /SEQUENCE",
    );
  };
}
