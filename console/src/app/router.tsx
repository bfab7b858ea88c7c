import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
  retainSearchParams,
} from "@tanstack/react-router";
import { ErrorPage, NotFoundPage } from "./ErrorPage";
import { Gate } from "./Gate";
import { LinkPage } from "./LinkPage";
import { Root } from "./Root";

type Search = Record<string, string | undefined>;

const root = createRootRoute({
  component: Root,
  validateSearch: (search: Search): Search => search,
  search: { middlewares: [retainSearchParams<Search>(["phone"])] },
  notFoundComponent: NotFoundPage,
  errorComponent: ErrorPage,
});

const shell = createRoute({
  getParentRoute: () => root,
  id: "shell",
  component: Gate,
  errorComponent: ErrorPage,
  notFoundComponent: NotFoundPage,
});
const invitation = createRoute({ getParentRoute: () => root, path: "/invitation/$token", component: LinkPage });
const reset = createRoute({ getParentRoute: () => root, path: "/reset/$token", component: LinkPage });

const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  component: lazyRouteComponent(() => import("@/features/home"), "HomePage"),
});

const profilePages = () => import("@/features/profiles");
const profiles = createRoute({
  getParentRoute: () => shell,
  path: "/profiles",
  component: lazyRouteComponent(profilePages, "ProfilesPage"),
});
const importing = createRoute({
  getParentRoute: () => shell,
  path: "/profiles/import",
  component: lazyRouteComponent(() => import("@/features/imports"), "ImportPage"),
});
const profile = createRoute({
  getParentRoute: () => shell,
  path: "/profiles/$id",
  component: lazyRouteComponent(profilePages, "ProfilePage"),
});

const deliveryPages = () => import("@/features/deliveries");
const deliveries = createRoute({
  getParentRoute: () => shell,
  path: "/deliveries",
  component: lazyRouteComponent(deliveryPages, "DeliveriesPage"),
});
const delivery = createRoute({
  getParentRoute: () => shell,
  path: "/deliveries/$id",
  component: lazyRouteComponent(deliveryPages, "DeliveryPage"),
});
const errors = createRoute({
  getParentRoute: () => shell,
  path: "/errors",
  component: lazyRouteComponent(() => import("@/features/errors"), "ErrorsPage"),
});
const phone = createRoute({
  getParentRoute: () => shell,
  path: "/phone",
  component: lazyRouteComponent(() => import("@/features/phone"), "PhonePage"),
});

const nowhere = createRoute({ getParentRoute: () => shell, path: "$", component: NotFoundPage });

const settings = createRoute({
  getParentRoute: () => shell,
  path: "/settings",
  component: lazyRouteComponent(() => import("@/features/settings/frame"), "SettingsFrame"),
});
const settingsIndex = createRoute({
  getParentRoute: () => settings,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/settings/senders" });
  },
});
const senderPages = () => import("@/features/settings/senders");
const senders = createRoute({
  getParentRoute: () => settings,
  path: "/senders",
  component: lazyRouteComponent(senderPages, "SendersPage"),
});
const newSender = createRoute({
  getParentRoute: () => settings,
  path: "/senders/new",
  component: lazyRouteComponent(senderPages, "NewSenderPage"),
});
const sender = createRoute({
  getParentRoute: () => settings,
  path: "/senders/$id",
  component: lazyRouteComponent(senderPages, "SenderPage"),
});
const webhookPages = () => import("@/features/settings/webhooks");
const webhooks = createRoute({
  getParentRoute: () => settings,
  path: "/webhooks",
  component: lazyRouteComponent(webhookPages, "WebhooksPage"),
});
const endpoint = createRoute({
  getParentRoute: () => settings,
  path: "/webhooks/$id",
  component: lazyRouteComponent(webhookPages, "EndpointPage"),
});
const keywords = createRoute({
  getParentRoute: () => settings,
  path: "/keywords",
  component: lazyRouteComponent(() => import("@/features/settings/keywords"), "KeywordsPage"),
});
const consent = createRoute({
  getParentRoute: () => settings,
  path: "/consent",
  component: lazyRouteComponent(() => import("@/features/settings/consent"), "ConsentPage"),
});
const quiet = createRoute({
  getParentRoute: () => settings,
  path: "/quiet-hours",
  component: lazyRouteComponent(() => import("@/features/settings/quiet"), "QuietPage"),
});
const keys = createRoute({
  getParentRoute: () => settings,
  path: "/keys",
  component: lazyRouteComponent(() => import("@/features/settings/keys"), "KeysPage"),
});
const members = createRoute({
  getParentRoute: () => settings,
  path: "/members",
  component: lazyRouteComponent(() => import("@/features/settings/members"), "MembersPage"),
});
const audit = createRoute({
  getParentRoute: () => settings,
  path: "/audit",
  component: lazyRouteComponent(() => import("@/features/settings/audit"), "AuditPage"),
});
const data = createRoute({
  getParentRoute: () => settings,
  path: "/data",
  component: lazyRouteComponent(() => import("@/features/settings/data"), "DataPage"),
});

const tree = root.addChildren([
  invitation,
  reset,
  shell.addChildren([
    home,
    profiles,
    importing,
    profile,
    deliveries,
    delivery,
    errors,
    phone,
    nowhere,
    settings.addChildren([
      settingsIndex,
      senders,
      newSender,
      sender,
      webhooks,
      endpoint,
      keywords,
      consent,
      quiet,
      keys,
      members,
      audit,
      data,
    ]),
  ]),
]);

/** Search parameters are plain text: a phone number must not become a number. */
export const router = createRouter({
  routeTree: tree,
  defaultPreload: "intent",
  scrollRestoration: false,
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const kept = Object.entries(search).filter(([, value]) => value !== undefined && value !== "");
    const text = new URLSearchParams(kept.map(([name, value]) => [name, String(value)])).toString();
    return text ? `?${text}` : "";
  },
});
