import { asBoolean, stored } from "./prefs.ts";

/** Whether single letters act as shortcuts (WCAG 2.1.4: can be turned off). */
export const singleKeys = stored("keys", true, asBoolean);
