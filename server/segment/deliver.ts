import { BLOCK_SIZE, readStatus } from "../../protocol/segment/block.ts";
import { Delivery, type Verdict } from "../../protocol/segment/delivery.ts";
import { type ExchangeContext, type ExchangeEnd, GARBLED } from "./context.ts";

/** What the client's statuses say of one block, as a whole. */
type Judgement = Exclude<Verdict, "arrived"> | "garbled" | "left";

/** Writes an answer's block until the client has it intact, or has had enough. */
export async function deliver(
  context: ExchangeContext,
  block: Uint8Array,
): Promise<ExchangeEnd> {
  const { connection, tell, settings } = context;
  const { resends, statusTimeout } = settings;
  const delivery = new Delivery(resends);
  for (;;) {
    connection.allow(statusTimeout, "unresponsive");
    await connection.write(block);
    const judgement = await judge(context, delivery);
    switch (judgement) {
      case "again":
        continue;
      case "settled":
        tell("payload-intact");
        return { kind: "settled" };
      case "left":
        return { kind: "left" };
      case "garbled":
        return GARBLED;
      case "exhausted":
        return {
          kind: "failed",
          status: `NOT_${delivery.question.toUpperCase()}`,
          message: `The answer was not settled (re-sends made: ${resends})`,
          reason: "unresponsive",
        };
    }
  }
}

async function judge(
  { inlet, tell }: ExchangeContext,
  delivery: Delivery,
): Promise<Judgement> {
  for (;;) {
    const block = await inlet.block(BLOCK_SIZE);
    if (block === undefined) return "left";
    const right = readStatus(block);
    if (right === undefined) return "garbled";
    const verdict = delivery.receive(right);
    if (verdict !== "arrived") return verdict;
    tell("payload-received");
  }
}
