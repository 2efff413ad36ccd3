import { distribution } from "./host.ts";
import { run } from "./run.ts";

const OFFICIAL = "http://deb.debian.org/debian";
const OFFICIAL_SECURITY = "http://security.debian.org/debian-security";

/**
 * sources.list lines for `suite`: the mirrors that a Debian host itself uses, in whichever of apt's formats it writes
 * them; the official ones on other hosts.
 */
export async function aptSources(suite: string): Promise<string> {
  const mirrors = (await distribution()) === "debian" ? await configuredMirrors() : new Map<string, string>();
  const main = mirrors.get("") ?? OFFICIAL;
  const lines = [
    `deb ${main} ${suite} main`,
    `deb ${mirrors.get("-updates") ?? main} ${suite}-updates main`,
    `deb ${mirrors.get("-security") ?? OFFICIAL_SECURITY} ${suite}-security main`,
  ];
  return `${lines.join("\n")}\n`;
}

/** Proxy variables for mmdebstrap, which does not read the host's apt configuration. */
export async function aptProxy(): Promise<NodeJS.ProcessEnv> {
  const proxy = (await run("apt-config", ["shell", "PROXY", "Acquire::http::Proxy"])).match(/^PROXY='(.+)'$/m)?.[1];
  return proxy === undefined ? {} : { http_proxy: proxy };
}

/** Suffix of the release name ("", "-updates", "-security") -> address. */
async function configuredMirrors(): Promise<Map<string, string>> {
  const targets = await run("apt-get", [
    "indextargets",
    "--format",
    "$(REPO_URI) $(RELEASE) $(COMPONENT)",
    "Identifier: Packages",
  ]).catch(() => "");
  const mirrors = new Map<string, string>();
  for (const line of targets.split("\n")) {
    const [uri, release, component] = line.split(" ");
    const suffix = /^[a-z]+(|-updates|-security)$/.exec(release ?? "")?.[1];
    if (uri === undefined || suffix === undefined || component !== "main") continue;
    // foreign repositories have a `main` too: only paths of Debian's own archive layout count
    const expected = suffix === "-security" ? /\/debian-security\/?$/ : /\/debian\/?$/;
    if (expected.test(uri) && !mirrors.has(suffix)) mirrors.set(suffix, uri.replace(/\/$/, ""));
  }
  return mirrors;
}
