import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay, useSession } from "@/features/session";
import {
  Button,
  Card,
  CopyText,
  EmptyState,
  ErrorState,
  FormErrors,
  LoadingState,
  Modal,
  Note,
  Stack,
  Textarea,
  TextInput,
} from "@/ui";
import { useCreateLink, useLinks } from "./api";
import c from "./consent.module.css";

export function LinksCard() {
  const { t } = useTranslation();
  const may = useMay();
  const links = useLinks();
  const [adding, setAdding] = useState(false);
  const rows = links.data ?? [];
  const add = may("consents.write") && (
    <Button variant={rows.length ? "default" : "filled"} onClick={() => setAdding(true)}>
      {t("qr.add")}
    </Button>
  );
  return (
    <Card title={t("qr.title")} hint={t("qr.hint")} action={rows.length > 0 && add}>
      {links.isPending && <LoadingState rows={3} />}
      {links.error && <ErrorState error={links.error} onRetry={() => void links.refetch()} />}
      {links.isSuccess && rows.length === 0 && (
        <EmptyState title={t("qr.none")} action={add}>
          {t("qr.noneText")}
        </EmptyState>
      )}
      <ul className={c.links}>
        {rows.map((link) => {
          const name = String((link.content as { name?: string }).name || link.code);
          return (
            <li key={link.id}>
              <img src={link.qr_svg} alt={t("qr.picture", { name })} width="120" height="120" />
              <div>
                <b>{name}</b>
                <CopyText value={link.url} />
                <span>
                  <a href={link.qr_svg} download={`${link.code}.svg`}>
                    SVG
                  </a>{" "}
                  <a href={link.qr_png} download={`${link.code}.png`}>
                    PNG
                  </a>
                </span>
              </div>
            </li>
          );
        })}
      </ul>
      {adding && <LinkDialog onClose={() => setAdding(false)} />}
    </Card>
  );
}

function LinkDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const { workspace } = useSession();
  const create = useCreateLink();
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const [wording, setWording] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ name, text, wording, language: workspace.default_language }, { onSuccess: onClose });
  };
  return (
    <Modal opened onClose={onClose} title={<b>{t("qr.add")}</b>} closeButtonProps={{ "aria-label": t("ui.close") }}>
      <form onSubmit={submit}>
        <Stack gap="md">
          <Note kind="info" title={t("qr.how")} />
          <FormErrors error={create.error} />
          <TextInput
            label={t("profile.name")}
            description={t("qr.nameHint")}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label={t("qr.text")}
            description={t("qr.textHint")}
            required
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Textarea
            label={t("evidence.wording")}
            description={t("qr.wordingHint")}
            required
            autosize
            minRows={2}
            value={wording}
            onChange={(event) => setWording(event.currentTarget.value)}
          />
          <Button type="submit" loading={create.isPending} disabled={!text.trim() || !wording.trim()}>
            {t("qr.add")}
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}
