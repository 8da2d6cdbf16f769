import type { Handler } from "../../../mod.ts";

/**
 * The handler of the scenario `threads`, which every thread imports: does as
 * much work as the request says, see {@linkcode spin}.
 */
const burn: Handler = ({ data }) => ({ data: spin(Number(data)) });
export default burn;

/** So many steps of work for the processor, and nothing else. */
export function spin(steps: number): number {
  let state = 1;
  for (let i = 0; i < steps; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  return state;
}
