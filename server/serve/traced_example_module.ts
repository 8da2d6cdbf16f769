import { openTelemetry } from "../../protocol/tracing/open_telemetry.ts";

/** The example's handler for threads that trace. */
export { default } from "./example_module.ts";
/** What each thread traces with. */
export const tracing = openTelemetry();
