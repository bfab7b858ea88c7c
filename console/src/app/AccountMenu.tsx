import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useChangeMe, useSession, useSignOut } from "@/features/session";
import { LANGUAGES, speak } from "@/i18n";
import {
  IconCheck,
  IconDeviceDesktop,
  IconKeyboard,
  IconLanguage,
  IconLock,
  IconLogout,
  IconMoon,
  IconSelector,
  IconSun,
  Menu,
  PersonAvatar,
  UnstyledButton,
  useMantineColorScheme,
} from "@/ui";
import c from "./app.module.css";
import { PasswordDialog } from "./PasswordDialog";

const SCHEMES = [
  { value: "light", icon: IconSun, key: "shell.light" },
  { value: "dark", icon: IconMoon, key: "shell.dark" },
  { value: "auto", icon: IconDeviceDesktop, key: "shell.system" },
] as const;
const STORED = { light: "light", dark: "dark", auto: "system" } as const;

export function AccountMenu({ mini, onKeys }: { mini: boolean; onKeys: () => void }) {
  const { t, i18n } = useTranslation();
  const me = useSession();
  const change = useChangeMe();
  const signOut = useSignOut();
  const [password, setPassword] = useState(false);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const name = me.member?.name || me.member?.email || me.key?.name || "API";
  const shortcuts = me.member?.shortcuts ?? true;
  const keep = (what: Parameters<typeof change.mutate>[0]) => me.member && change.mutate(what);
  return (
    <>
      <Menu position="top-start" width={248} withinPortal>
        <Menu.Target>
          <UnstyledButton className={c.me ?? ""} {...(mini && { "aria-label": t("shell.account", { name }) })}>
            <PersonAvatar name={name} size={30} />
            {!mini && (
              <>
                <span className={c.wsText}>
                  <b>{name}</b>
                  <small>
                    {me.member
                      ? me.member.roles.map((role) => t(`role.${role}`, { defaultValue: role })).join(", ")
                      : t("shell.keyHint")}
                  </small>
                </span>
                <IconSelector size={16} aria-hidden="true" />
              </>
            )}
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{t("shell.theme")}</Menu.Label>
          {SCHEMES.map(({ value, icon: Icon, key }) => (
            <Menu.Item
              key={value}
              leftSection={<Icon size={16} />}
              rightSection={colorScheme === value ? <IconCheck size={15} /> : null}
              onClick={() => {
                setColorScheme(value);
                keep({ theme: STORED[value] });
              }}
            >
              {t(key)}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Label>{t("shell.language")}</Menu.Label>
          {Object.entries(LANGUAGES).map(([value, label]) => (
            <Menu.Item
              key={value}
              leftSection={<IconLanguage size={16} />}
              rightSection={i18n.language === value ? <IconCheck size={15} /> : null}
              onClick={() => {
                void speak(value);
                keep({ language: value });
              }}
            >
              {label}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item leftSection={<IconKeyboard size={16} />} onClick={onKeys}>
            {t("shell.keys")}
          </Menu.Item>
          {me.member && (
            <>
              <Menu.Item
                leftSection={<IconKeyboard size={16} />}
                rightSection={shortcuts ? <IconCheck size={15} /> : null}
                onClick={() => keep({ shortcuts: !shortcuts })}
              >
                {t("shell.shortcuts")}
              </Menu.Item>
              <Menu.Item leftSection={<IconLock size={16} />} onClick={() => setPassword(true)}>
                {t("shell.password")}
              </Menu.Item>
              <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => signOut.mutate()}>
                {t("shell.signOut")}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      <PasswordDialog opened={password} onClose={() => setPassword(false)} />
    </>
  );
}
