import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "@/features/session";
import {
  Badge,
  Button,
  Card,
  Checkbox,
  DataTable,
  ErrorState,
  FormErrors,
  Group,
  Modal,
  SimpleGrid,
  Stack,
  TextInput,
} from "@/ui";
import { type Role, useChangeRole, useCreateRole, useDeleteRole, useRoles } from "./api";
import c from "./members.module.css";

/** The table of rights: built-in roles as they are, own roles to change. */
export function RolesCard() {
  const { t } = useTranslation();
  const may = useMay();
  const roles = useRoles();
  const [dialog, setDialog] = useState<Role | "new" | null>(null);
  const rows = roles.data ?? [];
  const all = [...new Set(rows.flatMap((role) => role.rights))].sort();
  const write = may("members.write");
  return (
    <Card
      flush
      title={t("role.title")}
      hint={t("role.hint")}
      action={
        write && (
          <Button variant="default" onClick={() => setDialog("new")}>
            {t("role.add")}
          </Button>
        )
      }
    >
      {roles.error && <ErrorState error={roles.error} onRetry={() => void roles.refetch()} />}
      <DataTable
        label={t("role.title")}
        rows={rows}
        rowKey={(row) => row.name}
        columns={[
          {
            key: "role",
            title: t("role.one"),
            cell: (row) => <b>{row.custom ? row.title : t(`role.${row.name}`, { defaultValue: row.title })}</b>,
          },
          {
            key: "what",
            title: t("role.may"),
            wide: true,
            cell: (row) => t(`roleHint.${row.name}`, { defaultValue: row.rights.join(", ") }),
          },
          {
            key: "rights",
            title: t("role.rights"),
            align: "end",
            cell: (row) =>
              row.custom && write ? (
                <Button size="compact-xs" variant="default" onClick={() => setDialog(row)}>
                  {t("role.count", { count: row.rights.length })}
                </Button>
              ) : (
                <Badge>{t("role.count", { count: row.rights.length })}</Badge>
              ),
          },
        ]}
      />
      {dialog && <RoleDialog role={dialog === "new" ? null : dialog} all={all} onClose={() => setDialog(null)} />}
    </Card>
  );
}

function RoleDialog({ role, all, onClose }: { role: Role | null; all: string[]; onClose: () => void }) {
  const { t } = useTranslation();
  const create = useCreateRole();
  const change = useChangeRole();
  const drop = useDeleteRole();
  const [title, setTitle] = useState(role?.title ?? "");
  const [rights, setRights] = useState<string[]>(role?.rights ?? []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const name = title
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "_")
      .replaceAll(/^_|_$/g, "");
    if (role) change.mutate({ name: role.name, title, rights }, { onSuccess: onClose });
    else create.mutate({ name, title, rights }, { onSuccess: onClose });
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={<b>{role ? role.title : t("role.add")}</b>}
      size="xl"
      closeButtonProps={{ "aria-label": t("ui.close") }}
    >
      <form onSubmit={submit}>
        <Stack gap="md">
          <FormErrors error={create.error ?? change.error ?? drop.error} />
          <TextInput
            label={t("profile.name")}
            required
            value={title}
            onChange={(event) => setTitle(event.currentTarget.value)}
          />
          <Checkbox.Group label={t("role.rights")} value={rights} onChange={setRights}>
            <SimpleGrid cols={{ base: 2, sm: 3 }} spacing={6} mt={8} className={c.rights ?? ""}>
              {all.map((right) => (
                <Checkbox key={right} value={right} label={<code className="mono">{right}</code>} />
              ))}
            </SimpleGrid>
          </Checkbox.Group>
          <Group justify="space-between">
            {role ? (
              <Button
                variant="default"
                color="coral"
                loading={drop.isPending}
                onClick={() => drop.mutate(role.name, { onSuccess: onClose })}
              >
                {t("ui.remove")}
              </Button>
            ) : (
              <span />
            )}
            <Button
              type="submit"
              loading={create.isPending || change.isPending}
              disabled={!title.trim() || rights.length === 0}
            >
              {t("ui.save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
