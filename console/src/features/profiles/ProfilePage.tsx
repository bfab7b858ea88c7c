import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { addressLine, nameOf } from "@/features/people";
import { useLive, useMay, usePhoneDoor, useSession } from "@/features/session";
import { digits } from "@/lib/phones";
import {
  ActionIcon,
  Badge,
  Button,
  ErrorState,
  IconArchive,
  IconDeviceMobileMessage,
  IconDotsVertical,
  IconLink,
  IconSend2,
  IconTrash,
  LoadingState,
  Menu,
  notifications,
  PageBody,
  PageHeader,
  PersonAvatar,
} from "@/ui";
import { AttributesCard } from "./AttributesCard";
import { type ProfileOut, useArchive, useProfile } from "./api";
import { ConsentCard } from "./ConsentCard";
import { EraseDialog } from "./EraseDialog";
import c from "./profiles.module.css";
import { SendDialog } from "./SendDialog";
import { Timeline } from "./Timeline";
import { WhyCard } from "./WhyCard";

export function ProfilePage() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id: string };
  const profile = useProfile(id);
  useLive([`profile:${id}`], [["profiles", id]]);
  const crumb = { label: t("nav.profiles"), to: "/profiles" };
  if (!profile.data) {
    return (
      <>
        <PageHeader title={t("profile.one")} crumb={crumb} />
        <PageBody>
          {profile.error ? (
            <ErrorState error={profile.error} onRetry={() => void profile.refetch()} />
          ) : (
            <LoadingState rows={8} />
          )}
        </PageBody>
      </>
    );
  }
  const person = profile.data;
  return (
    <>
      <PageHeader
        before={<PersonAvatar name={nameOf(person)} size={40} />}
        title={nameOf(person)}
        crumb={crumb}
        hint={<span className="ltr tnum">{addressLine(person)}</span>}
        status={<Flags person={person} />}
        actions={<Actions person={person} />}
      />
      <PageBody>
        <div className={c.columns}>
          <div className={c.start}>
            <AttributesCard person={person} />
          </div>
          <div className={c.centre}>
            <Timeline profileId={person.id} />
          </div>
          <div className={c.end}>
            <ConsentCard profileId={person.id} />
            <WhyCard profileId={person.id} />
          </div>
        </div>
      </PageBody>
    </>
  );
}

function Flags({ person }: { person: ProfileOut }) {
  const { t } = useTranslation();
  const unreachable = person.identities.some((identity) => identity.state === "unreachable");
  const changed = person.identities.some((identity) => identity.state === "identity_changed");
  return (
    <>
      {person.is_test && <Badge tone="brand">{t("profile.test")}</Badge>}
      {unreachable && <Badge tone="warn">{t("profile.unreachable")}</Badge>}
      {changed && <Badge tone="warn">{t("profile.changed")}</Badge>}
    </>
  );
}

function Actions({ person }: { person: ProfileOut }) {
  const { t } = useTranslation();
  const may = useMay();
  const { senders } = useSession();
  const door = usePhoneDoor();
  const [dialog, setDialog] = useState<"send" | "erase" | null>(null);
  const archive = useArchive(person.id);
  const line = person.identities.find((identity) => identity.scheme === "phone" || identity.scheme === "wa_id");
  const simulated = senders.some((sender) => sender.simulated);
  const fetchArchive = () =>
    archive.mutate(undefined, {
      onSuccess: (made) => {
        notifications.show({
          message: (
            <a href={`/v1/archives/${made.id}`} download>
              {t("profile.archiveReady")}
            </a>
          ),
          autoClose: false,
        });
      },
      onError: () => notifications.show({ color: "coral", message: t("problem.unexpected.title") }),
    });
  return (
    <>
      {simulated && line && (
        <Button
          variant="default"
          leftSection={<IconDeviceMobileMessage size={16} />}
          onClick={() => door.open(digits(line.value))}
        >
          {t("profile.play")}
        </Button>
      )}
      {may("deliveries.write") && (
        <Button leftSection={<IconSend2 size={16} />} onClick={() => setDialog("send")}>
          {t("profile.send")}
        </Button>
      )}
      <Menu position="bottom-end" width={230}>
        <Menu.Target>
          <ActionIcon variant="default" size={34} aria-label={t("profile.more")}>
            <IconDotsVertical size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconLink size={16} />}
            onClick={() => void navigator.clipboard?.writeText(location.href)}
          >
            {t("profile.copyLink")}
          </Menu.Item>
          {(may("erasures.write") || may("archives.write")) && (
            <>
              <Menu.Item
                disabled={!may("archives.write")}
                leftSection={<IconArchive size={16} />}
                onClick={fetchArchive}
              >
                {t("profile.archive")}
              </Menu.Item>
              <Menu.Divider />
              <Menu.Item
                disabled={!may("erasures.write")}
                color="coral"
                leftSection={<IconTrash size={16} />}
                onClick={() => setDialog("erase")}
              >
                {t("profile.erase")}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      {dialog === "send" && <SendDialog profileId={person.id} onClose={() => setDialog(null)} />}
      {dialog === "erase" && (
        <EraseDialog profileId={person.id} name={nameOf(person)} onClose={() => setDialog(null)} />
      )}
    </>
  );
}
