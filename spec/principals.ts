import { z } from "zod";
import { publicKeySchema } from "./connection.ts";
import { nameSchema } from "./names.ts";

/** Somebody other than an agent who may reach gateways: a CI runner or a person. */
export const principalSchema = z.strictObject({
  /** Unique in the fleet. */
  name: nameSchema,
  /** A runner's key is never a person's, and the other way round. */
  kind: z.enum(["ci-runner", "person"]),
  /** Named in `environments`; a principal reaches gateways of its own environment only. */
  environment: nameSchema,
  /** Its own public SSH key; without one a key pair is made and its private half is a secret output. */
  publicKey: publicKeySchema.optional(),
  /** Another number makes another key pair; the one before stops working with the next `up`. */
  keyVersion: z.int().min(1).max(1_000_000).default(1),
  /** Days after which the key is due for rotation. */
  rotateEveryDays: z.int().min(1).max(365).default(90),
});
export type PrincipalSpec = z.output<typeof principalSchema>;

/** An address, a CIDR block or a host pattern of sshd(8), `from=`. */
const sourceSchema = z
  .string()
  .regex(/^[A-Za-z0-9.*?:-]{1,253}(?:\/\d{1,3})?$/, "expected an address, a CIDR block or a host pattern")
  .refine((source) => !source.includes("/") || isBlock(source), {
    error: "is no CIDR block: its prefix is too long for its address, or the address is none",
  });

function isBlock(source: string): boolean {
  const [address = "", prefix = ""] = source.split("/");
  const version4 = z.ipv4().safeParse(address).success;
  const version6 = z.ipv6().safeParse(address).success;
  return (version4 && Number(prefix) <= 32) || (version6 && Number(prefix) <= 128);
}

/** What one principal may do at one gateway over SSH, as the gateway's user; everything else is refused by sshd. */
export const accessSchema = z
  .strictObject({
    /** Name of one of the fleet's `principals`. */
    principal: nameSchema,
    /** Addresses, CIDR blocks or host patterns that it may come from; default: anywhere. */
    from: z.array(sourceSchema).min(1, "name at least one source, or leave it out").optional(),
    /** Forward a port of its own to the gateway's, and to nothing else. */
    tunnel: z.enum(["gateway", "none"]).default("gateway"),
    /** The one command line that runs, whatever it asks for; default: none. */
    command: z
      .string()
      .regex(/^\/[\x20-\x7e]{1,1000}$/, "expected a command line on one line that begins with an absolute path")
      .optional(),
  })
  .refine(({ tunnel, command }) => tunnel === "gateway" || command !== undefined, {
    error: "allows nothing: give it a tunnel or a command",
  });
export type AccessSpec = z.output<typeof accessSchema>;
