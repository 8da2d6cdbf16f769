import { assert, assertEquals } from "@std/assert";
import { CypherError } from "../protocol/errors.ts";
import { answerIn, requestIn } from "../protocol/payload.ts";

const DEPTH = 16;
const utf8 = (text: string) => new TextEncoder().encode(text);

Deno.test("a payload's text is UTF-8 of any script, U+FFFD among them", () => {
  for (
    const data of ["ascii", "häßlich", "日本", "🦊", "\ufffd", "\ufeff", "\0"]
  ) {
    const bytes = utf8(JSON.stringify({ PATH: "/x", DATA: data }));
    const request = requestIn(bytes, DEPTH);
    assert(!(request instanceof CypherError));
    assertEquals(request.data, data);
    const answer = answerIn(bytes, {}, DEPTH);
    assert(!(answer instanceof CypherError));
    assertEquals(answer.data, data);
  }
});

Deno.test("a payload that is not UTF-8 is refused wherever it is broken", () => {
  const whole = utf8(JSON.stringify({ DATA: "a\ufffdb" }));
  const broken = [
    [0xff],
    [0xc0, 0x80], // overlong
    [0xed, 0xa0, 0x80], // half a surrogate pair
    [0xf4, 0x90, 0x80, 0x80], // above U+10FFFF
    [0xe2, 0x82], // cut short
  ];
  for (const bytes of broken) {
    for (let at = 0; at <= whole.length; at++) {
      const payload = Uint8Array.of(
        ...whole.subarray(0, at),
        ...bytes,
        ...whole.subarray(at),
      );
      const outcome = requestIn(payload, DEPTH);
      assert(outcome instanceof CypherError, payload.toHex());
      assertEquals(outcome.code, "BAD_MESSAGE");
      assert(outcome.message.includes("not UTF-8"));
    }
  }
});
