/** Bits that must stay unknown after the last four characters are shown. */
const HIDDEN_BITS = 128;
const SHOWN = 4;
const MINIMUM_LENGTH = 40;

/** Public beginnings of keys; what follows is random (facts: secret-managers.md 4). */
const KNOWN_PREFIX =
  /^(sk-ant-(api|admin|oat|ort|sid)[0-9]{2}-|sk-(proj|svcacct|admin)-|sk-or-v1-|xai-|gsk_|AIza|gh[pousr]_|hf_|npm_|pul-)/;

/**
 * First four and last four characters for people, where at least 128 bits stay hidden; otherwise no character at all.
 * Passwords, PEM, JSON and other shapes without a machine-made alphabet are never shown.
 */
export function mask(value: string): string {
  const hidden = `(${value.length} characters, hidden)`;
  if (value.length < MINIMUM_LENGTH) return hidden;
  const prefix = KNOWN_PREFIX.exec(value)?.[0] ?? "";
  const random = value.slice(prefix.length);
  const revealed = prefix === "" ? 2 * SHOWN : SHOWN;
  if (bitsPerCharacter(random) * (random.length - revealed) < HIDDEN_BITS) return hidden;
  return `${value.slice(0, SHOWN)}…${value.slice(-SHOWN)}`;
}

/** 0 where the text may have been made by a person. */
function bitsPerCharacter(text: string): number {
  if (/^[0-9a-f]+$/.test(text)) return /[0-9]/.test(text) && /[a-f]/.test(text) ? 4 : 0;
  const machineMade = /^[A-Za-z0-9_-]+$/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text) && /[0-9]/.test(text);
  return machineMade ? Math.log2(62) : 0;
}
