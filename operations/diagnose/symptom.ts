/** Which layer an error text points at, before any evidence (the decision table's first column). */
export type SymptomClass = "gateway session" | "provider credential" | "none" | "unclear";

/** The provider's texts first: its 401 reads `authentication failed, HTTP 401`, too. */
const PROVIDER =
  /no (usable )?(api key|profiles)|api key for|missing.{0,20}api key|authentication_error|request failed \(authentication|SECRET_SURFACE_UNAVAILABLE|secret owner|auth issue|cooldown|models auth/i;
const GATEWAY =
  /unauthorized|\b401\b|token[_ ]mismatch|AUTH_(TOKEN|DEVICE|RATE|SCOPE)|gateway_credentials_required|device[_ -]identity|PAIRING_REQUIRED|NOT_PAIRED|\b1008\b/i;

export function classifySymptom(text: string | null): SymptomClass {
  if (text === null || text.trim() === "") return "none";
  if (PROVIDER.test(text)) return "provider credential";
  return GATEWAY.test(text) ? "gateway session" : "unclear";
}
