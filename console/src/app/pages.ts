/** What the palette can jump to. */
export const PAGES: { to: string; key: string; right: string | null }[] = [
  { to: "/", key: "nav.home", right: null },
  { to: "/profiles", key: "nav.profiles", right: "profiles.read" },
  { to: "/profiles/import", key: "import.title", right: "imports.write" },
  { to: "/deliveries", key: "nav.deliveries", right: "deliveries.read" },
  { to: "/errors", key: "nav.errors", right: "senders.read" },
  { to: "/phone", key: "nav.phone", right: "simulator.read" },
  { to: "/settings/senders", key: "settings.senders", right: "senders.read" },
  { to: "/settings/webhooks", key: "settings.webhooks", right: "webhooks.read" },
  { to: "/settings/keywords", key: "settings.keywords", right: "consents.read" },
  { to: "/settings/consent", key: "settings.consent", right: "consents.read" },
  { to: "/settings/quiet-hours", key: "settings.quiet", right: "workspace.read" },
  { to: "/settings/keys", key: "settings.keys", right: "keys.read" },
  { to: "/settings/members", key: "settings.members", right: "members.read" },
  { to: "/settings/audit", key: "settings.audit", right: "audit.read" },
  { to: "/settings/data", key: "settings.data", right: "retention.read" },
];
