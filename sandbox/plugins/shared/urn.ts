/** Type token of a resource, without its parents: `command:remote:Command`. */
export function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

/** Name of a resource as the program gave it. */
export function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}
