import { useState } from "react";
import { useTranslation } from "react-i18next";
import { DecisionTrace, DeliveryStatus } from "@/features/deliveries";
import { Moment } from "@/features/session";
import { Button, Card, ErrorState, Link, LoadingState, Note, Select, Stack, TextInput } from "@/ui";
import { useTemplates, useWhy, type Why } from "./api";
import c from "./profiles.module.css";

const KIND = { sent: "good", excluded: "warn", deferred: "info", not_requested: "info", unknown: "info" } as const;

/** "Why did they get this, or not?" for a template or a delivery's key: the stored trace answers. */
export function WhyCard({ profileId }: { profileId: string }) {
  const { t } = useTranslation();
  const templates = useTemplates();
  const [template, setTemplate] = useState<string | null>(null);
  const [key, setKey] = useState("");
  const [asked, setAsked] = useState<{ template?: string; delivery_key?: string } | null>(null);
  const why = useWhy(profileId, asked);
  return (
    <Card title={t("why.title")} hint={t("why.hint")}>
      <Stack gap="xs">
        <Select
          label={t("why.template")}
          searchable
          clearable
          value={template}
          onChange={(value) => {
            setTemplate(value);
            setAsked(value ? { template: value } : null);
          }}
          data={(templates.data ?? []).map((one) => one.name)}
        />
        <form
          className={c.whyForm}
          onSubmit={(event) => {
            event.preventDefault();
            if (key.trim()) setAsked({ delivery_key: key.trim() });
          }}
        >
          <TextInput label={t("why.key")} value={key} onChange={(event) => setKey(event.currentTarget.value)} />
          <Button type="submit" variant="default" disabled={!key.trim()}>
            {t("why.ask")}
          </Button>
        </form>
        <div aria-live="polite">
          {asked && why.isPending && <LoadingState rows={2} />}
          {why.error && <ErrorState error={why.error} onRetry={() => void why.refetch()} />}
          {why.data && <Answer why={why.data} />}
        </div>
      </Stack>
    </Card>
  );
}

function Answer({ why }: { why: Why }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      <Note kind={KIND[why.answer]} title={t(`why.answer.${why.answer}`)}>
        {why.sentence}
      </Note>
      {why.deliveries.slice(0, 3).map((delivery) => {
        const decision = delivery.sending_decision ?? delivery.requested_decision;
        return (
          <div key={delivery.delivery_id} className={c.whyOne}>
            <div className={c.rowHead}>
              <DeliveryStatus status={delivery.status} />
              <Moment at={delivery.requested_at} />
              <Link to={`/deliveries/${delivery.delivery_id}`}>{t("delivery.open")}</Link>
            </div>
            {decision && <DecisionTrace decision={decision} />}
          </div>
        );
      })}
    </Stack>
  );
}
