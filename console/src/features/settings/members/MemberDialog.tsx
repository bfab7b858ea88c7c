import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { fieldWords } from "@/lib/problems";
import { Button, Checkbox, FormErrors, Modal, Stack, TextInput } from "@/ui";
import { type Member, useChangeMember, useInvite, useRoles } from "./api";

type Props = { member: Member | null; onClose: () => void; onLink: (link: string) => void };

export function MemberDialog({ member, onClose, onLink }: Props) {
  const { t } = useTranslation();
  const roles = useRoles();
  const invite = useInvite();
  const change = useChangeMember();
  const [email, setEmail] = useState(member?.email ?? "");
  const [name, setName] = useState(member?.name ?? "");
  const [chosen, setChosen] = useState<string[]>(member?.roles ?? ["viewer"]);
  const error = invite.error ?? change.error;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (member) change.mutate({ id: member.id, name, roles: chosen }, { onSuccess: onClose });
    else
      invite.mutate(
        { email: email.trim(), name: name.trim(), roles: chosen },
        {
          onSuccess: (made) => {
            onClose();
            onLink(made.link);
          },
        },
      );
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={<b>{member ? t("member.edit") : t("member.invite")}</b>}
      closeButtonProps={{ "aria-label": t("ui.close") }}
    >
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <FormErrors error={error} />
          <TextInput
            label={t("signin.email")}
            type="email"
            required
            disabled={member !== null}
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            error={fieldWords(error, "email")}
          />
          <TextInput
            label={t("profile.name")}
            required
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={fieldWords(error, "name")}
          />
          <Checkbox.Group
            label={t("member.roles")}
            description={t("member.rolesHint")}
            value={chosen}
            onChange={setChosen}
            error={fieldWords(error, "roles")}
          >
            <Stack gap={8} mt={8}>
              {(roles.data ?? []).map((role) => (
                <Checkbox
                  key={role.name}
                  value={role.name}
                  label={t(`role.${role.name}`, { defaultValue: role.title })}
                  description={t(`roleHint.${role.name}`, { defaultValue: "" })}
                />
              ))}
            </Stack>
          </Checkbox.Group>
          <Button
            type="submit"
            loading={invite.isPending || change.isPending}
            disabled={!email.trim() || !name.trim() || chosen.length === 0}
          >
            {member ? t("ui.save") : t("member.makeLink")}
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}
