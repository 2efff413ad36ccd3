import { access } from "node:fs/promises";
import { member } from "../lib/member.ts";

/** Who likely wrote what differs from a generation. */
export type Author = "OpenClaw" | "a hand";

/** What the vendor's writers leave in a configuration that they touched. */
function metaOf(config: string): string | null {
  try {
    return JSON.stringify(member(JSON.parse(config), "meta") ?? null);
  } catch {
    return null;
  }
}

/** The vendor's writers change `meta` (facts: openclaw.md 2); an editor does not. */
export function configurationAuthor(live: string, generated: string): Author {
  const meta = metaOf(live);
  return meta !== null && meta !== metaOf(generated) ? "OpenClaw" : "a hand";
}

/** The vendor's writers leave a `.bak` beside a unit that they replace (facts: openclaw.md 4); an editor does not. */
export async function unitAuthor(path: string): Promise<Author> {
  return await access(`${path}.bak`).then(
    () => "OpenClaw",
    () => "a hand",
  );
}
