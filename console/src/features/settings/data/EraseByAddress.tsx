import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Counts } from "@/features/profiles";
import { useMay } from "@/features/session";
import { Button, Card, ConfirmDialog, ErrorState, Group, Note, Select, Stack, TextInput } from "@/ui";
import { GROUNDS, useEraseByAddress } from "./api";

const SCHEMES = ["phone", "email", "external_id", "wa_id", "bsuid"] as const;

/** A request to be forgotten that names an address, also when nobody is found by it: a later import stays out too. */
export function EraseByAddress() {
  const { t } = useTranslation();
  const may = useMay();
  const look = useEraseByAddress();
  const erase = useEraseByAddress();
  const [scheme, setScheme] = useState<string>("phone");
  const [value, setValue] = useState("");
  const [reason, setReason] = useState<string>("person_request");
  const [asking, setAsking] = useState(false);
  if (!may("erasures.write")) return null;
  const identities = [{ scheme, value: value.trim() }];
  return (
    <Card title={t("data.byAddress")} hint={t("data.byAddressHint")}>
      <Stack gap="sm">
        <Group gap="xs" align="end">
          <Select
            label={t("data.scheme")}
            w={170}
            value={scheme}
            onChange={(next) => next && setScheme(next)}
            data={SCHEMES.map((one) => ({ value: one, label: t(`scheme.${one}`) }))}
          />
          <TextInput
            label={t("profile.address")}
            value={value}
            onChange={(event) => setValue(event.currentTarget.value)}
          />
          <Select
            label={t("erase.reason")}
            w={230}
            value={reason}
            onChange={(next) => next && setReason(next)}
            data={GROUNDS.map((one) => ({ value: one, label: t(`ground.${one}`) }))}
          />
          <Button
            variant="default"
            disabled={!value.trim()}
            loading={look.isPending}
            onClick={() => look.mutate({ identities, reason, dry_run: true }, { onSuccess: () => setAsking(true) })}
          >
            {t("data.look")}
          </Button>
        </Group>
        {look.error && <ErrorState error={look.error} />}
        {erase.data && (
          <Note kind="good" title={t("erase.done")}>
            <Counts report={erase.data} />
          </Note>
        )}
      </Stack>
      <ConfirmDialog
        opened={asking}
        onClose={() => setAsking(false)}
        title={t("erase.title", { name: value })}
        confirm={t("erase.confirm")}
        danger
        typed={value.trim()}
        typedLabel={t("erase.typeName", { name: value.trim() })}
        busy={erase.isPending}
        onConfirm={() => erase.mutate({ identities, reason, dry_run: false }, { onSuccess: () => setAsking(false) })}
      >
        <Stack gap="sm">
          <p>{t("erase.text")}</p>
          {look.data && <Counts report={look.data} />}
          {erase.error && <ErrorState error={erase.error} />}
        </Stack>
      </ConfirmDialog>
    </Card>
  );
}
