/**
 * Variables of an environment file that anybody may have edited: what cannot be read as an assignment is left out, since
 * whoever starts the gateway would leave it out, too.
 */
export function looseEnvironment(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (match !== null) variables.set(match[1] ?? "", unquoted(match[2] ?? ""));
  }
  return variables;
}

function unquoted(raw: string): string {
  const text = raw.trim();
  const quote = text[0];
  if ((quote !== '"' && quote !== "'") || text.length < 2 || !text.endsWith(quote)) return text;
  const inner = text.slice(1, -1);
  return quote === "'" ? inner : inner.replace(/\\([\\"$`])/g, "$1");
}
