/**
 * Persian, which is written from right to left.
 *
 * @module
 */
import type { Texts } from "./texts.ts";

/** Persian. */
export const PERSIAN: Texts = {
  language: "fa",
  name: "فارسی",
  direction: "rtl",
  title: "اتصال شما",
  greeting: "سلام، {name}",
  secret:
    "این صفحه فقط برای شماست. هر کس نشانی آن را داشته باشد می‌تواند از اتصال شما استفاده کند.",
  install: "یک برنامه نصب کنید",
  add: "اتصال را اضافه کنید",
  scan:
    "در همین دستگاه، روی پیوند برنامه بزنید. از دستگاه دیگر، این کد را با برنامه اسکن کنید.",
  code: "کد QR پیوند",
  start: "آن را روشن کنید",
  startHow:
    "در برنامه این اتصال را انتخاب و روشن کنید. سیستم یک بار از شما اجازه می‌گیرد.",
  link: "پیوند",
  subscription: "اشتراک",
  subscriptionHow:
    "برنامه‌ای که این نشانی را بپذیرد، تغییرات را خودش دریافت می‌کند و حجم باقی‌مانده را نشان می‌دهد.",
  otherForms: "قالب‌های دیگر",
  copy: "کپی",
  copied: "کپی شد",
  open: "باز کردن در {app}",
  account: "حساب شما",
  left: "{left} از {quota} باقی مانده است",
  unlimited: "{used} مصرف شده، بدون محدودیت",
  usedUp:
    "حجم شما تمام شده است. از کسی که این صفحه را به شما داد، حجم بیشتر بخواهید.",
  until: "معتبر تا {date}",
  endless: "بدون تاریخ پایان",
  expired:
    "دسترسی شما در {date} به پایان رسید. از کسی که این صفحه را به شما داد، تمدید بخواهید.",
  languages: "زبان",
};
