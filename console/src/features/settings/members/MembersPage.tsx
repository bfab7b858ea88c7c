import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Moment, useMay } from "@/features/session";
import {
  ActionIcon,
  Badge,
  Button,
  Card,
  ConfirmDialog,
  CopyText,
  DataTable,
  ErrorState,
  IconDotsVertical,
  LoadingState,
  Menu,
  Modal,
  Note,
  PageBody,
  PageHeader,
  PersonAvatar,
  Stack,
  type Tone,
} from "@/ui";
import { type Member, useMembers, useRenewLink, useSetActive } from "./api";
import { MemberDialog } from "./MemberDialog";
import c from "./members.module.css";
import { RolesCard } from "./RolesCard";

const TONE: Record<Member["state"], Tone> = { active: "good", invited: "info", deactivated: "muted" };

export function MembersPage() {
  const { t } = useTranslation();
  const may = useMay();
  const members = useMembers();
  const [dialog, setDialog] = useState<Member | "new" | null>(null);
  const [link, setLink] = useState<string | null>(null);
  const write = may("members.write");
  const rows = members.data ?? [];
  return (
    <>
      <PageHeader
        title={t("settings.members")}
        hint={t("member.lead")}
        actions={write && <Button onClick={() => setDialog("new")}>{t("member.invite")}</Button>}
      />
      <PageBody>
        <Card flush>
          {members.isPending && <LoadingState />}
          {members.error && <ErrorState error={members.error} onRetry={() => void members.refetch()} />}
          {rows.length > 0 && (
            <DataTable
              label={t("settings.members")}
              rows={rows}
              rowKey={(row) => row.id}
              columns={[
                {
                  key: "name",
                  title: t("profile.name"),
                  cell: (row) => (
                    <span className={c.who}>
                      <PersonAvatar name={row.name || row.email} />
                      <span>
                        <b>{row.name || row.email}</b>
                        <small>{row.email}</small>
                      </span>
                    </span>
                  ),
                },
                {
                  key: "roles",
                  title: t("member.roles"),
                  cell: (row) => row.roles.map((role) => t(`role.${role}`, { defaultValue: role })).join(", "),
                },
                {
                  key: "state",
                  title: t("delivery.statusLabel"),
                  cell: (row) => <Badge tone={TONE[row.state]}>{t(`member.state.${row.state}`)}</Badge>,
                },
                {
                  key: "seen",
                  title: t("member.seen"),
                  hideSmall: true,
                  cell: (row) => (row.last_signed_in_at ? <Moment at={row.last_signed_in_at} /> : t("ui.never")),
                },
                {
                  key: "more",
                  title: t("webhook.again"),
                  align: "end",
                  cell: (row) =>
                    write ? <MemberMenu member={row} onEdit={() => setDialog(row)} onLink={setLink} /> : null,
                },
              ]}
            />
          )}
        </Card>
        <RolesCard />
      </PageBody>
      {dialog && (
        <MemberDialog member={dialog === "new" ? null : dialog} onClose={() => setDialog(null)} onLink={setLink} />
      )}
      <Modal
        opened={link !== null}
        onClose={() => setLink(null)}
        title={<b>{t("member.link")}</b>}
        size="lg"
        closeButtonProps={{ "aria-label": t("ui.close") }}
      >
        <Stack>
          <Note kind="warn" title={t("member.linkOnce")}>
            {t("member.linkText")}
          </Note>
          {link && <CopyText block value={link} />}
        </Stack>
      </Modal>
    </>
  );
}

function MemberMenu({
  member,
  onEdit,
  onLink,
}: {
  member: Member;
  onEdit: () => void;
  onLink: (link: string) => void;
}) {
  const { t } = useTranslation();
  const renew = useRenewLink();
  const active = useSetActive();
  const [asking, setAsking] = useState(false);
  const name = member.name || member.email;
  const gone = member.state === "deactivated";
  return (
    <>
      <Menu position="bottom-end" withinPortal width={230}>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={t("member.menu", { name })}>
            <IconDotsVertical size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={onEdit}>{t("member.edit")}</Menu.Item>
          {!gone && (
            <Menu.Item onClick={() => renew.mutate(member, { onSuccess: (made) => onLink(made.link) })}>
              {t(member.state === "invited" ? "member.newLink" : "member.resetLink")}
            </Menu.Item>
          )}
          <Menu.Divider />
          {gone ? (
            <Menu.Item onClick={() => active.mutate({ id: member.id, active: true })}>{t("member.activate")}</Menu.Item>
          ) : (
            <Menu.Item color="coral" onClick={() => setAsking(true)}>
              {t("member.deactivate")}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <ConfirmDialog
        opened={asking}
        onClose={() => setAsking(false)}
        title={t("member.deactivateTitle", { name })}
        confirm={t("member.deactivate")}
        danger
        busy={active.isPending}
        onConfirm={() => active.mutate({ id: member.id, active: false }, { onSuccess: () => setAsking(false) })}
      >
        {t("member.deactivateText")}
        {active.error && <ErrorState error={active.error} />}
      </ConfirmDialog>
    </>
  );
}
