/** Whether an address names the machine itself. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Scheme and host of a URL; undefined for what is none. */
export function originOf(url: string): { readonly scheme: string; readonly host: string } | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname } = new URL(url);
  return { scheme: protocol.slice(0, -1), host: hostname };
}
