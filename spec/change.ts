import { z } from "zod";

/** Pulumi's YAML makes a date of a bare one and passes it on in another form (measured, 3.250.0). */
const momentSchema = z.iso.datetime({
  offset: true,
  error: "expected an RFC 3339 date-time with its zone, in quotes: YAML takes a bare one for a date",
});

/** What a rotation or an update declares. */
export const changeSchema = z.strictObject({
  /** Ticket that carries the decision. */
  ticket: z.string().min(1).max(200),
  /** When it may happen; RFC 3339 date-times with offset. */
  window: z.strictObject({ from: momentSchema, to: momentSchema }),
  /** What it can break, in words: agents, gateways, environments. */
  blastRadius: z.string().min(1).max(500),
  /** Generation or procedure to return to. */
  rollbackPoint: z.string().min(1).max(200),
  /**
   * Lets this change rotate a gateway's token and its provider keys together, for a break-in; recorded with its reason.
   * Otherwise one update of a gateway changes one of the two layers.
   */
  rotateTogether: z.strictObject({ reason: z.string().min(1).max(500) }).optional(),
});
export type ChangeSpec = z.output<typeof changeSchema>;
