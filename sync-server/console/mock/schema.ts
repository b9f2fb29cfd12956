// A piece of the schema for working on the page without a server. Never shipped; the real one comes from core.
import type { FieldSchema, Label, Schema, ValueOption } from '../src/api/types.ts';

const label = (zh: string, en: string): Label => ({ zh, en });
const options = (...all: [string, string, string][]): ValueOption[] => all.map(([code, zh, en]) => ({ code, label: label(zh, en), retired: false }));

export function field(key: string, section: string, zh: string, en: string, more: Partial<FieldSchema> = {}): FieldSchema {
  return { key, section, label: label(zh, en), merge: 'fact', type: 'line', value_set: null, min: null, max: null, chars_max: 120, class: 'A', fresh_days: 365, fields: [], ...more };
}
const inner = (key: string, zh: string, en: string, more: Partial<FieldSchema> = {}) => field(key, '', zh, en, { merge: 'register', ...more });
const code = (value_set: string): Partial<FieldSchema> => ({ type: 'code', value_set });

const fields: FieldSchema[] = [
  field('trade_name', 'basic', '名称', 'Name', { class: 'B' }),
  field('legal_name', 'basic', '法定名称', 'Legal name', { class: 'B' }),
  field('uscc', 'basic', '统一社会信用代码', 'Unified social credit code', { class: 'B', type: 'uscc' }),
  field('addresses', 'basic', '地址', 'Addresses', { merge: 'entries', class: 'B', fields: [inner('text', '地址', 'Address', { class: 'B' }), inner('kind', '类型', 'Kind', code('address_kind')), inner('parking', '停车说明', 'Parking')] }),
  field('phones', 'basic', '电话', 'Phones', { merge: 'entries', fields: [inner('number', '号码', 'Number', { type: 'phone' }), inner('kind', '类型', 'Kind', code('phone_kind')), inner('label', '称呼', 'Label')] }),
  field('stakeholders', 'basic', '负责人员', 'People', { merge: 'entries', class: 'B', fields: [inner('name', '姓名', 'Name'), inner('role', '角色', 'Role', code('stakeholder_role')), inner('phone', '电话', 'Phone', { type: 'phone' })] }),
  field('founded_on', 'basic', '创业时间', 'Founded', { type: 'date', fresh_days: null }),
  field('first_trade_on', 'basic', '与本公司交易时间', 'Trading with us since', { type: 'date', fresh_days: null }),
  field('legal_form', 'basic', '企业组织形式', 'Enterprise form', { class: 'B', ...code('legal_form') }),
  field('ownership_form', 'basic', '所有权', 'Ownership', { class: 'B', ...code('ownership_form') }),
  field('line_of_business', 'basic', '业种', 'Line of business'),
  field('assets', 'basic', '资产', 'Assets', { class: 'B', type: 'money' }),
  field('business_type', 'basic', '客户性质', 'Customer type', { class: 'B', ...code('business_type') }),
  field('location_type', 'basic', '客户地域', 'Location', { class: 'B', ...code('location_type') }),
  field('service_area', 'features', '服务区域', 'Area served', { merge: 'set' }),
  field('sales_capability', 'features', '销售能力', 'Sales capability', { type: 'rating', fresh_days: 180 }),
  field('potential', 'features', '发展潜力', 'Potential', { type: 'rating', fresh_days: 180 }),
  field('headcount', 'features', '职工人数', 'Headcount', { class: 'B', type: 'integer', min: 0, max: 100000 }),
  field('turnover', 'features', '销售额', 'Turnover', { class: 'B', type: 'money' }),
  field('management_style', 'features', '经营管理特点', 'Management style', { merge: 'text' }),
  field('staff_quality', 'business', '人员素质', 'Quality of staff', { type: 'rating' }),
  field('competitors', 'business', '竞争关系', 'Competitors', { merge: 'entries', fields: [inner('brand', '品牌', 'Brand'), inner('share', '占比', 'Share', { type: 'integer', min: 0, max: 100 }), inner('terms', '条件', 'Terms')] }),
  field('cooperation', 'business', '合作态度', 'Cooperation', { type: 'rating', fresh_days: 90 }),
  field('activity', 'trading', '销售活动状况', 'Activity', { merge: 'text', fresh_days: 90 }),
  field('problems', 'trading', '存在的问题', 'Problems', { merge: 'text', fresh_days: 90 }),
  field('strengths', 'trading', '保持的优势', 'Strengths', { merge: 'text', fresh_days: 90 }),
  field('countermeasures', 'trading', '未来的对策', 'Countermeasures', { merge: 'text', fresh_days: 90 }),
  field('tags', 'classification', '标签', 'Tags', { merge: 'set' }),
  field('product_lines', 'classification', '经营品类', 'Product lines', { merge: 'set' }),
  field('time_windows', 'classification', '拜访时间窗', 'Time windows', { merge: 'entries', fields: [inner('window', '时间', 'Hours', { type: 'window' })] }),
  field('service_minutes', 'classification', '服务时长', 'Service minutes', { merge: 'register', type: 'integer', min: 1, max: 480 }),
  field('promises', 'promises', '承诺事项', 'Promises', { merge: 'entries', fields: [inner('what', '事项', 'What'), inner('due', '期限', 'Due', { type: 'date' }), inner('state', '状态', 'State', code('promise_state'))] }),
];
const office: FieldSchema[] = [
  field('grade', 'office', '客户等级', 'Grade', { merge: 'register', class: 'C', fresh_days: 180, ...code('grade') }),
  field('lifecycle', 'office', '状态', 'Status', { merge: 'register', class: 'C', ...code('lifecycle') }),
  field('visit_interval_days', 'office', '拜访间隔(天)', 'Visit interval (days)', { merge: 'register', class: 'C', type: 'integer', min: 1, max: 365 }),
];
const section = (name: string, zh: string, en: string) => ({ name, label: label(zh, en) });

export const schema: Schema = {
  version: 1,
  offset_minutes: -new Date().getTimezoneOffset(),
  kinds: [
    { kind: 'customer', label: label('客户档案卡', 'Customer card'), fields, sections: [section('basic', '基础资料', 'Basics'), section('features', '客户特征', 'Characteristics'), section('business', '业务状况', 'Business'), section('trading', '交易活动', 'Trading'), section('classification', '分类与拜访', 'Classification'), section('promises', '承诺事项', 'Promises')] },
    { kind: 'office', label: label('总部信息', 'Headquarters'), fields: office, sections: [section('office', '总部信息', 'Headquarters')] },
  ],
  value_sets: {
    grade: options(['A', 'A级', 'A'], ['B', 'B级', 'B'], ['C', 'C级', 'C'], ['D', 'D级', 'D'], ['unrated', '未评级', 'Unrated']),
    business_type: options(['wholesaler', '批发店', 'Wholesaler'], ['retailer', '零售商', 'Retailer'], ['agent', '代理店', 'Agent'], ['chain', '连锁店', 'Chain store'], ['exclusive_shop', '专营店', 'Exclusive shop']),
    location_type: options(['commercial_centre', '商业中心店', 'Commercial centre'], ['transport_hub', '交通枢纽店', 'Transport hub'], ['residential', '居民区店', 'Residential area']),
    ownership_form: options(['individual', '个体所有制', 'Individual'], ['private_llc', '私营有限责任', 'Private limited'], ['collective', '集体所有制', 'Collective']),
    legal_form: options(['sole_trader', '个体工商户', 'Sole trader'], ['llc', '有限责任公司', 'Limited company']),
    lifecycle: options(['prospect', '潜在客户', 'Prospect'], ['active', '正常', 'Active'], ['dormant', '休眠', 'Dormant'], ['blocked', '停止往来', 'Blocked'], ['archived', '已停用', 'Archived']),
    source: options(['visit', '访问', 'Visit'], ['customer_form', '客户填写', 'Customer’s form'], ['survey_agency', '调查机构', 'Survey agency'], ['register', '工商登记', 'Business register'], ['import', '导入', 'Import'], ['office', '总部录入', 'Headquarters']),
    phone_kind: options(['mobile', '手机', 'Mobile'], ['landline', '固定电话', 'Landline'], ['wechat', '微信', 'WeChat']),
    address_kind: options(['shop', '门店', 'Shop'], ['warehouse', '仓库', 'Warehouse'], ['billing', '开票', 'Billing']),
    stakeholder_role: options(['owner', '所有者', 'Owner'], ['manager', '经营管理者', 'Manager'], ['legal_representative', '法人', 'Legal representative']),
    promise_state: options(['open', '未兑现', 'Open'], ['done', '已兑现', 'Done']),
    visit_type: options(['routine', '例行', 'Routine'], ['selling', '访销', 'Selling'], ['collection', '收款', 'Collection']),
    visit_outcome: options(['order', '有订单', 'Order'], ['no_order', '无订单', 'No order'], ['collected', '已收款', 'Collected'], ['closed', '关门', 'Closed'], ['absent', '负责人不在', 'Person absent']),
    verify_method: options(['visit', '实地', 'On site'], ['document', '证件', 'Document'], ['phone', '电话', 'Phone'], ['register', '工商登记', 'Register']),
  },
  territories: [{ id: 'east', name: '城东', parent: null }, { id: 'west', name: '城西', parent: null }, { id: 'north', name: '城北', parent: null }],
  reps: [{ id: 'wf', name: '王芳' }, { id: 'lq', name: '李强' }, { id: 'zw', name: '张伟' }, { id: 'ly', name: '刘洋' }, { id: 'cj', name: '陈静' }],
  people: [{ id: 'wf', name: '王芳' }, { id: 'lq', name: '李强' }, { id: 'zw', name: '张伟' }, { id: 'ly', name: '刘洋' }, { id: 'cj', name: '陈静' }, { id: 'zm', name: '赵敏' }, { id: 'sl', name: '孙丽' }],
};
