import { Outlet, useLocation } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLiveState, usePhoneDoor, useSession } from "@/features/session";
import {
  ActionIcon,
  Drawer,
  IconDeviceMobileMessage,
  IconMenu2,
  IconSearch,
  Link,
  useHotkeys,
  useLocalStorage,
  useMediaQuery,
} from "@/ui";
import c from "./app.module.css";
import { Rail } from "./Rail";
import { useKeys } from "./useKeys";

const Palette = lazy(() => import("./Palette").then((part) => ({ default: part.Palette })));
const PhoneDock = lazy(() => import("@/features/phone").then((part) => ({ default: part.PhoneDock })));

export function Shell() {
  const { t } = useTranslation();
  const me = useSession();
  const [mini, setMini] = useLocalStorage({ key: "sojourn-rail", defaultValue: false });
  const [drawer, setDrawer] = useState(false);
  const [asked, setAsked] = useState(0);
  const search = () => setAsked((times) => times + 1);
  const small = useMediaQuery("(max-width: 720px)", false, { getInitialValueInEffect: false });
  const phone = usePhoneDoor();
  const { pathname } = useLocation();
  const simulated = me.senders.find((sender) => sender.simulated);
  const docked = Boolean(simulated) && phone.isDocked && pathname !== "/phone";
  const keys = useKeys({ togglePhone: () => simulated && phone.toggle() });
  useHotkeys([["mod+K", search]], []);
  return (
    <div className={c.app} data-mini={mini || undefined}>
      <a href="#main" className={c.skip}>
        {t("nav.skip")}
      </a>
      {small ? (
        <header className={c.topbar}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size={36}
            onClick={() => setDrawer(true)}
            aria-label={t("nav.menu")}
          >
            <IconMenu2 size={20} />
          </ActionIcon>
          <b>{me.workspace.name}</b>
          <ActionIcon variant="subtle" color="gray" size={36} onClick={search} aria-label={t("nav.search")}>
            <IconSearch size={19} />
          </ActionIcon>
          {simulated && (
            <ActionIcon variant="subtle" size={36} onClick={() => phone.open()} aria-label={t("nav.phone")}>
              <IconDeviceMobileMessage size={20} />
            </ActionIcon>
          )}
          <Drawer
            opened={drawer}
            onClose={() => setDrawer(false)}
            size={272}
            title={me.workspace.name}
            closeButtonProps={{ "aria-label": t("ui.close") }}
          >
            <Rail
              mini={false}
              inDrawer
              onSearch={search}
              onKeys={keys.show}
              onNavigate={() => setDrawer(false)}
              onMini={() => undefined}
            />
          </Drawer>
        </header>
      ) : (
        <Rail mini={mini} onSearch={search} onMini={() => setMini(!mini)} onKeys={keys.show} />
      )}
      <div className={c.side} data-phone={docked || undefined}>
        <Strips />
        <main id="main" className={c.main} tabIndex={-1}>
          <Suspense>
            <Outlet />
          </Suspense>
        </main>
        {docked && (
          <aside className={c.dock} aria-label={t("nav.phone")}>
            <Suspense>
              <PhoneDock onHide={phone.close} />
            </Suspense>
          </aside>
        )}
      </div>
      {asked > 0 && (
        <Suspense>
          <Palette asked={asked} />
        </Suspense>
      )}
      {keys.dialog}
    </div>
  );
}

function Strips() {
  const { t } = useTranslation();
  const me = useSession();
  const state = useLiveState();
  return (
    <div className={c.strips}>
      {me.workspace.brake && (
        <div className={c.strip} data-tone="danger" role="status">
          {t("shell.brake")} <Link to="/settings/senders">{t("shell.brakeOpen")}</Link>
        </div>
      )}
      {state === "paused" && (
        <div className={c.strip} role="status">
          {t("shell.paused")}
        </div>
      )}
    </div>
  );
}
