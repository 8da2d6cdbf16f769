import type { Monitor } from "../monitor.ts";

/** Resolves once a server has stopped by itself, as its journal is lost. */
export function journalFailed(monitor: Monitor): Promise<void> {
  return new Promise((resolve) => {
    const unlisten = monitor.listen((signal) => {
      if (signal.kind !== "notice" || signal.code !== "JOURNAL_FAILED") return;
      unlisten();
      resolve();
    }, { kinds: ["notice"] });
  });
}
