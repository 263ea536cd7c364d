"""zhibu (支部通): a study-and-check-in chatbot for a Party branch, on WeCom and WeChat."""

__version__ = "0.1.0"
