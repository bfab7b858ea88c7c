import { useLocation } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useMay, usePhoneDoor, useSession, useSwitchWorkspace } from "@/features/session";
import { initials } from "@/lib/ids";
import type { Icon } from "@/ui";
import {
  IconBook2,
  IconDeviceMobileMessage,
  IconHome,
  IconLayoutSidebarLeftCollapse,
  IconReportAnalytics,
  IconSearch,
  IconSelector,
  IconSettings,
  IconUsers,
  Kbd,
  Link,
  Menu,
  Tooltip,
  UnstyledButton,
} from "@/ui";
import { AccountMenu } from "./AccountMenu";
import c from "./app.module.css";
import { ChannelFact } from "./ChannelFact";

type Item = { key: string; to: string; icon: Icon; right: string | null };
const GROUPS: { label: string | null; items: Item[] }[] = [
  { label: null, items: [{ key: "home", to: "/", icon: IconHome, right: null }] },
  { label: "people", items: [{ key: "profiles", to: "/profiles", icon: IconUsers, right: "profiles.read" }] },
  {
    label: "measure",
    items: [
      { key: "deliveries", to: "/deliveries", icon: IconReportAnalytics, right: "deliveries.read" },
      { key: "errors", to: "/errors", icon: IconBook2, right: "senders.read" },
    ],
  },
];

type Props = {
  mini: boolean;
  inDrawer?: boolean;
  onMini: () => void;
  onSearch: () => void;
  onKeys: () => void;
  onNavigate?: () => void;
};

export function Rail({ mini, inDrawer, onMini, onSearch, onKeys, onNavigate }: Props) {
  const { t } = useTranslation();
  const may = useMay();
  const { pathname } = useLocation();
  const me = useSession();
  const phone = usePhoneDoor();
  const simulated = me.senders.some((sender) => sender.simulated);
  const isHere = (to: string) => (to === "/" ? pathname === "/" : pathname.startsWith(to));
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: links handle keys themselves
    <nav
      className={inDrawer ? c.drawerNav : c.nav}
      aria-label={t("nav.main")}
      onClick={(event) => (event.target as HTMLElement).closest("a") && onNavigate?.()}
    >
      {!inDrawer && <WorkspaceSwitch mini={mini} />}
      {!inDrawer && (
        <UnstyledButton className={c.search ?? ""} onClick={onSearch} {...(mini && { "aria-label": t("nav.search") })}>
          <IconSearch size={16} aria-hidden="true" />
          {!mini && (
            <>
              <span>{t("nav.search")}</span>
              <Kbd size="xs" aria-hidden="true">
                Ctrl K
              </Kbd>
            </>
          )}
        </UnstyledButton>
      )}
      <div className={`${c.groups} scroll`}>
        {GROUPS.map((group) => {
          const items = group.items.filter((item) => item.right === null || may(item.right));
          if (items.length === 0) return null;
          return (
            <div key={group.label ?? "top"}>
              {group.label &&
                (mini ? <div className={c.rule} /> : <div className={c.groupLabel}>{t(`nav.${group.label}`)}</div>)}
              {items.map((item) => (
                <RailLink
                  key={item.key}
                  item={item}
                  mini={mini}
                  active={isHere(item.to)}
                  label={t(`nav.${item.key}`)}
                />
              ))}
            </div>
          );
        })}
      </div>
      <div className={c.foot}>
        <ChannelFact mini={mini} />
        {simulated && may("simulator.read") && (
          <UnstyledButton
            className={c.link ?? ""}
            data-active={phone.isDocked || undefined}
            aria-pressed={phone.isDocked}
            onClick={() => {
              phone.toggle();
              onNavigate?.();
            }}
            {...(mini && { "aria-label": t("nav.phone") })}
          >
            <IconDeviceMobileMessage size={19} stroke={1.7} aria-hidden="true" />
            {!mini && <span>{t("nav.phone")}</span>}
          </UnstyledButton>
        )}
        <RailLink
          item={{ key: "settings", to: "/settings", icon: IconSettings, right: null }}
          mini={mini}
          active={isHere("/settings")}
          label={t("nav.settings")}
        />
        <AccountMenu mini={mini} onKeys={onKeys} />
        {!inDrawer && (
          <UnstyledButton
            className={c.collapse ?? ""}
            onClick={onMini}
            {...(mini && { "aria-label": t("nav.expand") })}
          >
            <IconLayoutSidebarLeftCollapse size={17} className={mini ? c.flip : undefined} aria-hidden="true" />
            {!mini && <span>{t("nav.collapse")}</span>}
          </UnstyledButton>
        )}
      </div>
    </nav>
  );
}

function RailLink({ item, mini, active, label }: { item: Item; mini: boolean; active: boolean; label: string }) {
  const link = (
    <span data-wrap>
      <Link
        to={item.to}
        className={c.link}
        aria-current={active ? "page" : undefined}
        {...(mini && { "aria-label": label })}
      >
        <item.icon size={19} stroke={1.7} aria-hidden="true" />
        {!mini && <span>{label}</span>}
      </Link>
    </span>
  );
  return mini ? (
    <Tooltip label={label} position="right">
      {link}
    </Tooltip>
  ) : (
    link
  );
}

function WorkspaceSwitch({ mini }: { mini: boolean }) {
  const { t } = useTranslation();
  const { workspace, workspaces = [] } = useSession();
  const change = useSwitchWorkspace();
  const inside = (
    <>
      <span className={c.logo} aria-hidden="true">
        {initials(workspace.name)}
      </span>
      {!mini && (
        <span className={c.wsText}>
          <b>{workspace.name}</b>
          <small>{workspace.timezone}</small>
        </span>
      )}
    </>
  );
  if (workspaces.length < 2) return <div className={c.ws}>{inside}</div>;
  return (
    <Menu position="bottom-start" width={220}>
      <Menu.Target>
        <UnstyledButton className={c.ws ?? ""} aria-label={`${workspace.name}, ${t("nav.workspaces")}`}>
          {inside}
          {!mini && <IconSelector size={16} aria-hidden="true" />}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t("nav.workspaces")}</Menu.Label>
        {workspaces.map((one) => (
          <Menu.Item key={one.id} onClick={() => change.mutate(one.id)}>
            {one.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
