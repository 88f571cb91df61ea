/**
 * Simplified Chinese.
 *
 * @module
 */
import type { Texts } from "./texts.ts";

/** Simplified Chinese. */
export const SIMPLIFIED_CHINESE: Texts = {
  language: "zh-CN",
  name: "简体中文",
  direction: "ltr",
  title: "你的连接",
  greeting: "你好，{name}",
  secret: "此页面仅供你本人使用。任何得到此网址的人都能使用你的连接。",
  install: "安装应用",
  add: "添加连接",
  scan: "在本设备上，点按应用的链接；在其他设备上，用应用扫描此二维码。",
  code: "链接的二维码",
  save: "保存图片",
  share: "分享",
  start: "开启连接",
  startHow: "在应用中选择该连接并开启。系统会请求一次授权。",
  link: "链接",
  subscription: "订阅",
  subscriptionHow: "支持订阅的应用会自动获取更新，并显示剩余流量。",
  otherForms: "其他格式",
  copy: "复制",
  copied: "已复制",
  open: "在 {app} 中打开",
  account: "你的账户",
  left: "剩余 {left}，共 {quota}",
  unlimited: "已用 {used}，不限流量",
  usedUp: "流量已用完。请联系给你此页面的人。",
  until: "有效期至 {date}",
  endless: "长期有效",
  expired: "你的使用权限已于 {date} 到期。请联系给你此页面的人。",
  languages: "语言",
};
