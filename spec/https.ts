import { z } from "zod";

const dnsNameSchema = z
  .string()
  .regex(
    /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/,
    "expected a DNS name in lower case, without wildcard",
  )
  // RFC 6125, 1.7.2: an address is no DNS name
  .refine((name) => !z.ipv4().safeParse(name).success, { error: "is an address: put it into 'addresses'" });

/** Beyond it browsers and Apple's systems refuse a certificate, whoever signed it (support.apple.com/103769: 825 days). */
const MAX_VALIDITY_DAYS = 825;

/** An HTTPS certificate of the gateway's own, signed by the fleet's private certificate authority. */
export const httpsSchema = z
  .strictObject({
    /** Where it listens: `loopback` only, on `all` IPv4 addresses of the node, or on one of them. */
    listen: z.union([z.enum(["loopback", "all"]), z.ipv4()]).default("loopback"),
    /** DNS names that clients use; `localhost` is always in the certificate. */
    names: z.array(dnsNameSchema).default([]),
    /** Addresses that clients use; `127.0.0.1` is always in the certificate. */
    addresses: z.array(z.union([z.ipv4(), z.ipv6()])).default([]),
    /** Days that a certificate holds. */
    validityDays: z.int().min(2).max(MAX_VALIDITY_DAYS).default(90),
    /** From this many days before its end on, the next preview shows a new certificate and the next `up` installs it. */
    renewBeforeDays: z.int().min(1).max(365).default(30),
    /** Another number makes another key pair. */
    keyVersion: z.int().min(1).max(1_000_000).default(1),
  })
  .refine(({ validityDays, renewBeforeDays }) => renewBeforeDays < validityDays, {
    path: ["renewBeforeDays"],
    error: "must be less than 'validityDays', or every update would renew the certificate",
  })
  .refine(({ listen, names, addresses }) => listen === "loopback" || names.length + addresses.length > 0, {
    path: ["names"],
    error: "must name what clients call the node by when it listens beyond loopback (or 'addresses' must)",
  });
export type HttpsSpec = z.output<typeof httpsSchema>;

/** The private certificate authority of a fleet; made when the first gateway has `https`. */
export const certificateAuthoritySchema = z.strictObject({
  /** Common name that clients show. */
  commonName: z
    .string()
    .regex(/^[\x20-\x7e]{1,64}$/, "expected 1 to 64 printable ASCII characters")
    .default("Gatehouse private CA"),
  /** Days that its own certificate holds; it is renewed, with the same key, while every gateway's would still end before it. */
  validityDays: z.int().min(1000).max(7300).default(3650),
  /** Another number makes another key pair: all gateways get new certificates, all clients need the new authority. */
  keyVersion: z.int().min(1).max(1_000_000).default(1),
});
export type CertificateAuthoritySpec = z.output<typeof certificateAuthoritySchema>;

/** Days before its end at which the authority's certificate is renewed: no gateway's certificate outlives it. */
export const AUTHORITY_RENEW_BEFORE_DAYS = MAX_VALIDITY_DAYS + 1;
