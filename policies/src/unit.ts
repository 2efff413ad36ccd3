/** Lines of a systemd unit, in order. */
export interface Unit {
  /** Every value of a directive of `[Service]`. */
  readonly values: (directive: string) => readonly string[];
  /** Every value that `Environment=` gives to a variable. */
  readonly variable: (name: string) => string | undefined;
  readonly variables: readonly string[];
  /** Whether the service manager has such a directive at all. */
  readonly has: (directive: string) => boolean;
}

export function parseUnit(text: string): Unit {
  const lines = text.split("\n").map((line) => line.trim());
  const values = (directive: string): readonly string[] =>
    lines.flatMap((line) => (line.startsWith(`${directive}=`) ? [line.slice(directive.length + 1)] : []));
  const pairs = new Map(
    values("Environment").flatMap((line) => {
      const unquoted = line.replace(/^"(.*)"$/, "$1");
      const at = unquoted.indexOf("=");
      return at < 0 ? [] : [[unquoted.slice(0, at), unquoted.slice(at + 1)] as const];
    }),
  );
  return { values, variable: (name) => pairs.get(name), variables: [...pairs.keys()], has: () => true };
}

/**
 * Names that OpenClaw takes for a provider key of every agent: `<PROVIDER>_API_KEY`, and the older names of the large
 * vendors.
 */
const AMBIENT =
  /^(?!OPENCLAW_)(?:[A-Z0-9_]+_(?:API_KEY|OAUTH_TOKEN|AUTH_TOKEN)|AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)|GH_TOKEN|GITHUB_TOKEN|HF_TOKEN)$/;

export function isAmbient(variable: string): boolean {
  return AMBIENT.test(variable);
}
