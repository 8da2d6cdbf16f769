import type Original from "uplot";

/**
 * The author's minified build, which `build.ts` puts in front of the bundle:
 * it is a kibibyte smaller than what bundling the module gives.
 */
declare const uPlot: typeof Original;

/** See https://github.com/leeoniya/uPlot. */
export const Chart: typeof Original = uPlot;
