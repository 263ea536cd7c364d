"""The platforms: the only code that knows their XML, their encryption and their API, and the only importer of wechatpy."""
