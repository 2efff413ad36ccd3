/** Removes the engine's colour markup (`<{%fg 1%}>`) and terminal escape sequences. */
export function stripMarkup(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replaceAll(/<\{%[^%]*%\}>|\u001b\[[0-9;]*[A-Za-z]/g, "");
}
