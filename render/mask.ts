/** Part of the rendered views, and of what a node reports of itself. */
export { mask } from "../node/lib/mask.ts";
