import { writePropertyList } from "./property-list.ts";

/** Files of the stand-in's /private/etc that are written, not copied: path below it -> mode and content. */
export type EtcFiles = Readonly<Record<string, { readonly mode: number; readonly content: string }>>;

const SUDOERS = [
  "# Stand-in: the defaults of macOS (Apple's sudo-114, files/sudoers; facts/macos.md 4): no secure_path, HOME is kept.",
  "Defaults env_reset",
  'Defaults env_keep += "BLOCKSIZE"',
  'Defaults env_keep += "COLORFGBG COLORTERM"',
  'Defaults env_keep += "__CF_USER_TEXT_ENCODING"',
  'Defaults env_keep += "CHARSET LANG LANGUAGE LC_ALL LC_COLLATE LC_CTYPE"',
  'Defaults env_keep += "LINES COLUMNS"',
  'Defaults env_keep += "LSCOLORS"',
  'Defaults env_keep += "SSH_AUTH_SOCK"',
  'Defaults env_keep += "TZ"',
  'Defaults env_keep += "DISPLAY XAUTHORIZATION XAUTHORITY"',
  'Defaults env_keep += "EDITOR VISUAL"',
  'Defaults env_keep += "HOME MAIL"',
  "root ALL = (ALL) ALL",
  "%admin ALL = (ALL) ALL",
  "#includedir /private/etc/sudoers.d",
  "",
].join("\n");

/** man apple_ssh_and_filevault, Apple's OpenSSH-354 (config.h, 100-macos.conf): the PATH of a command, AcceptEnv. */
function sshdConfig(address: string, port: number): string {
  return [
    `ListenAddress ${address}:${port}`,
    "HostKey /etc/ssh/ssh_host_ed25519_key",
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "UsePAM yes",
    "UseDNS no",
    "MaxStartups 64",
    "PidFile none",
    "AcceptEnv LANG LC_*",
    "SetEnv PATH=/usr/bin:/bin:/usr/sbin:/sbin",
    "Subsystem sftp /usr/libexec/sftp-server",
    "Include /etc/ssh/sshd_config.d/*",
    "",
  ].join("\n");
}

const PAM_FREE = [
  "auth required pam_permit.so",
  "account required pam_permit.so",
  "session required pam_permit.so",
  "",
];
const PAM_SUDO = ["auth required pam_unix.so", "account required pam_permit.so", "session required pam_permit.so", ""];

export function etcFiles(name: string, address: string, port: number): EtcFiles {
  const text = (content: string, mode = 0o644): { mode: number; content: string } => ({ mode, content });
  return {
    sudoers: text(SUDOERS, 0o440),
    "sudoers.d/ops": text("ops ALL = (ALL) NOPASSWD: ALL\n", 0o440),
    "ssh/sshd_config": text(sshdConfig(address, port)),
    "pam.d/sshd": text(PAM_FREE.join("\n")),
    "pam.d/sudo": text(PAM_SUDO.join("\n")),
    "pam.d/other": text("auth required pam_deny.so\naccount required pam_deny.so\nsession required pam_deny.so\n"),
    hosts: text(`127.0.0.1\tlocalhost\n255.255.255.255\tbroadcasthost\n::1\tlocalhost\n127.0.0.1\t${name}\n`),
    shells: text("/bin/bash\n/bin/dash\n/bin/sh\n"),
    "newsyslog.conf": text("# logfilename\t\t\t[owner:group]\tmode\tcount\tsize\twhen\tflags\n"),
    paths: text("/usr/local/bin\n/usr/bin\n/bin\n/usr/sbin\n/sbin\n"),
  };
}

/** The job that lets people in; on a Mac launchd itself listens and starts one sshd for each connection. */
export const SSH_LABEL = "com.openssh.sshd";
export function sshJob(): string {
  const job = {
    Label: SSH_LABEL,
    ProgramArguments: ["/usr/sbin/sshd", "-D", "-e"],
    KeepAlive: true,
    ThrottleInterval: 1,
    AbandonProcessGroup: true,
    StandardErrorPath: "/private/var/log/sshd.log",
  };
  return writePropertyList(job, "xml1").toString();
}
