import { access } from "node:fs/promises";

/** Whether something is there that may be looked at. */
export async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
